"""What `report` reads, fits, writes and prints."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from lightning_scaling.report.fits import Fits


def report_once(
    experiments: Sequence[str], store: str | None, out: Path, as_json: bool, refresh: float | None = None, log: bool = False
) -> Path:
    """Load, fit, write, record where `log` says so, and print the tables or one JSON document; the page's path."""
    from lightning_scaling.report.fits import fits, published
    from lightning_scaling.report.page import write_report
    from lightning_scaling.store import load

    study = load(store, list(experiments))
    title = ", ".join(experiments)
    found = fits(study.records, title)
    parts = dict(approaches=found.approaches, notes=found.notes, presets=published(), rejected=study.rejected, refresh=refresh)
    page = write_report(out, study.records, found.law, found.frontier, found.aim, title, **parts)
    logged = _logged(study, found, page, store, experiments[0]) if log else None
    _show_json(study, found, page, logged) if as_json else _show_tables(study, found, page, logged)
    return page


def _logged(study: Any, found: Fits, page: Path, store: str | None, experiment: str) -> str:
    """The id of the study's run: the law with its report and pictures, beside the runs it was fitted to."""
    from lightning_scaling.report.reading import usable
    from lightning_scaling.store import log_study

    pictures = {f"figures/{each.name}": each for each in sorted(page.parent.glob("*.png")) if not each.stem.endswith("-dark")}
    law = found.law if usable(found.law) else None
    return log_study(study, law, {page.name: page, **pictures}, uri=store, experiment=experiment)


def watching(experiments: Sequence[str], store: str | None, out: Path, seconds: float) -> None:
    """Again every `seconds` until Ctrl-C; the page reloads itself at the same pace."""
    try:
        while True:
            report_once(experiments, store, out, as_json=False, refresh=seconds)
            time.sleep(seconds)
    except KeyboardInterrupt:
        click.echo(f"\nstopped watching; the last report is {out / 'report.html'}")


def _show_tables(study: Any, found: Fits, page: Path, logged: str | None) -> None:
    from rich.console import Console

    from lightning_scaling.report import tables
    from lightning_scaling.report.reading import split_known

    shown: list[Any] = [tables.runs_table(study.records), tables.law_table(found.law, found.frontier)]
    shown += [] if found.aim is None else [tables.prediction_table(found.aim)]
    shown += [tables.allocation_table(study.records, found.law)] if found.law is not None and split_known(found.law) else []
    console = Console()
    for each in (*shown, *found.notes):
        console.print(each)
    for run in study.rejected:
        console.print(f"left out {run.name or run.run_id}: {run.reason}", markup=False)
    console.print(f"report: {page}", markup=False, soft_wrap=True)
    if logged:
        console.print(f"recorded as run {logged}", markup=False, soft_wrap=True)


def _show_json(study: Any, found: Fits, page: Path, logged: str | None) -> None:
    from lightning_scaling.report.document import document

    rejected = [{"run": run.name or run.run_id, "reason": run.reason} for run in study.rejected]
    where = {"report": str(page), "study_run": logged}
    click.echo(json.dumps({**document(study.records, found), "rejected": rejected, **where}, allow_nan=False))
