"""`lightning-scaling demo`: train a ladder of small GPTs on real text, fit their law, predict the largest, write a report."""

import json
import sys

import click

WIDTH = 132  # of tables in a file or pipe
EXAMPLES = """
\b
Examples:
  lightning-scaling demo
  lightning-scaling demo --corpus my_texts/ --folder my_ladder
  lightning-scaling demo --quick --json
"""


@click.command("demo", epilog=EXAMPLES)
@click.option("--corpus", type=click.Path(), help="A text file or a folder of them, instead of the Python standard library's source.")
@click.option(
    "--folder", type=click.Path(file_okay=False), default="demo", show_default=True, help="Where runs, checkpoints and report go."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same numbers.")
@click.option("--quick", is_flag=True, help="Seconds instead of minutes; shows the parts, its numbers mean little.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def command(corpus: str | None, folder: str, seed: int, quick: bool, as_json: bool) -> None:
    """Train the bundled design of byte-level GPTs (minutes on two cores; `ladder plan demo` shows it) and fit its law."""
    from rich.console import Console

    from lightning_scaling.ladder.demo import run_demo
    from lightning_scaling.ladder.run_ladder import Interrupted

    console = Console(stderr=as_json, width=None if sys.stdout.isatty() else WIDTH)
    try:
        document = run_demo(corpus, folder, seed, quick, console)
    except Interrupted:
        console.print("\nStopped. The same command resumes from here.")
        raise SystemExit(130) from None
    if as_json:
        click.echo(json.dumps(document))
