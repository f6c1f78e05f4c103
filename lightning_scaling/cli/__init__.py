"""The command line: one file a command, loaded when it is called, so that `--help` and `plan` answer at once."""

from importlib import import_module
from typing import Any

import click

# command -> its line in the overview; the command itself is `command` in lightning_scaling/cli/<name>.py
COMMANDS = {
    "demo": "Train a ladder of small GPTs on real text and fit their law.",
    "plan": "Answer C = 6ND: how large, how long, what loss.",
    "forecast": "Say where a run will end, from the first part of its curve.",
    "advise": "Say what to do with a run: continue, stop, add data, grow.",
    "fit": "Fit a law over runs of many sizes.",
    "report": "Write the report of an experiment.",
    "flush": "Deliver what an outage kept from the store.",
}


class LazyGroup(click.Group):
    """A click group that imports a command only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"lightning_scaling.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Bad input is one line on stderr and exit code 2, never a traceback."""
        try:
            return super().invoke(ctx)
        except (ValueError, OSError) as error:
            click.echo(f"lightning-scaling: {_one_line(error)}", err=True)
            ctx.exit(2)


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}; give the path of a file that can be read or written"
    return " ".join(str(error).split())


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lightning-scaling")
def main() -> None:
    """Scaling laws for the models you train.

    \b
    Example:
      lightning-scaling plan --flops 1e23 --params 7e9
    """
