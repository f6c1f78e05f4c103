"""`ladder run` in a terminal: bars while it trains, and what became of each cell."""

import json
import sys
from typing import Any

import click

from lightning_scaling.cli.ladder_words import account_document, account_lines, status_document, status_text
from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.early_account import account, stopped_early
from lightning_scaling.ladder.engine import make_engine
from lightning_scaling.ladder.progress_bars import progress_bars
from lightning_scaling.ladder.run_ladder import Interrupted, run_rounds
from lightning_scaling.ladder.status import status

WIDTH = 132  # of tables in a file or pipe


def run_and_show(design: Design, engine: str, lanes: int | None, options: dict[str, Any], as_json: bool) -> None:
    """Train, and print the status. Exit code 1 where cells failed, 130 where somebody stopped it."""
    from rich.console import Console

    console = Console(stderr=as_json, width=None if sys.stdout.isatty() else WIDTH)
    try:
        design, records = run_rounds(
            design, lambda: make_engine(engine, design.cores, lanes, **options), lambda each: progress_bars(each, console)
        )
    except Interrupted:
        console.print("\nStopped. The same command resumes from here.")
        raise SystemExit(130) from None
    found, early = status(design), account(design, records) if design.early is not None and stopped_early(design, records) else None
    if as_json:
        document = status_document(design, found) | ({} if early is None else {"early": account_document(early)})
        click.echo(json.dumps(document, allow_nan=False))
    else:
        click.echo("\n".join([status_text(design, found), *(account_lines(early) if early else ())]))
    if missing := [each.cell.name for each in found.cells if each.state not in ("finished", "stopped early", "failed")]:
        text = "Where the store did not answer, `lightning-scaling flush` on the machine that trained them delivers"
        console.print(f"Not in the store: {', '.join(missing)}. {text}; the same command trains what is not there.", soft_wrap=True)
    if missing or found.count("failed"):
        raise SystemExit(1)
