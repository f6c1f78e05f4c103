"""The command line: one file a command, loaded when it is called, so that `--help` and `plan` answer at once."""

import sys
from importlib import import_module
from typing import Any, NoReturn

import click

# command -> its line in the overview; the command itself is `command` in the module of that name
COMMANDS = {
    "demo": "Train a ladder of small GPTs on real text and fit their law.",
    "ladder": "Plan, run and watch trainings of many sizes.",
    "plan": "Answer C = 6ND: how large, how long, what loss.",
    "forecast": "Say where a run will end, from the first part of its curve.",
    "advise": "Say what to do with a run: continue, stop, add data, grow.",
    "fit": "Fit a law over runs of many sizes.",
    "import": "Bring the runs that you have into a store.",
    "report": "Write the report of an experiment.",
    "flush": "Deliver what an outage kept from the store.",
}
# `import` is a word of the language and names no module.
MODULES = {"import": "import_runs"}


class LazyGroup(click.Group):
    """A click group that imports a command only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"lightning_scaling.cli.{MODULES.get(name, name)}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *args: Any, **more: Any) -> NoReturn:
        """Bad input, to the parser or to a command, is one line on stderr (one a fault of a design) and exit code 2; never a traceback."""
        try:
            code = super().main(*args, **{**more, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message())
            code = 2
        except (click.ClickException, ValueError, OSError) as error:
            for line in getattr(error, "lines", None) or [_one_line(error)]:
                click.echo(f"lightning-scaling: {line}", err=True)
            code = 2
        except click.Abort:  # Ctrl-C
            code = 130
        sys.exit(code if isinstance(code, int) else 0)


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}; give the path of a file that can be read or written"
    text = error.format_message() if isinstance(error, click.ClickException) else str(error)
    if isinstance(error, click.MissingParameter) and (what := getattr(error.param, "help", None)):
        text = f"{text.rstrip('.')}: {what[0].lower()}{what[1:]}"
    return " ".join(text.split())


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lightning-scaling")
def main() -> None:
    """Scaling laws for the models you train.

    \b
    Example:
      lightning-scaling plan --flops 1e23 --params 7e9
    """
