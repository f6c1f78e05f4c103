"""`ladder run` in a terminal: bars while it trains, and what became of each cell."""

import json
import sys
from typing import Any

import click

from lightning_scaling.cli.ladder_words import status_document, status_text
from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.engine import make_engine
from lightning_scaling.ladder.progress_bars import progress_bars
from lightning_scaling.ladder.run_ladder import Interrupted, run_ladder
from lightning_scaling.ladder.status import status

WIDTH = 132  # of tables in a file or pipe


def run_and_show(design: Design, engine: str, lanes: int | None, options: dict[str, Any], as_json: bool) -> None:
    """Train, and print the status. Exit code 1 where cells failed, 130 where somebody stopped it."""
    from rich.console import Console

    console = Console(stderr=as_json, width=None if sys.stdout.isatty() else WIDTH)
    made = make_engine(engine, design.cores, lanes, **options)
    try:
        with progress_bars(design, console) as show:
            run_ladder(design, made, show)
    except Interrupted:
        console.print("\nStopped. The same command resumes from here.")
        raise SystemExit(130) from None
    found = status(design)
    click.echo(json.dumps(status_document(design, found), allow_nan=False) if as_json else status_text(design, found))
    if found.count("failed"):
        raise SystemExit(1)
