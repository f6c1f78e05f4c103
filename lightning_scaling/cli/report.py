"""`lightning-scaling report`: runs of a store or of log files as one page, pictures and tables; again and again while they train."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lightning_scaling.cli.sources import Sources, explained, read_sources, source_options
from lightning_scaling.importers import Reading
from lightning_scaling.importers.runs_table import RunsTable

if TYPE_CHECKING:
    from lightning_scaling.laws.runs_fit import RunsFit
    from lightning_scaling.report.study import Study

EXAMPLES = """
\b
Examples:
  lightning-scaling report --experiment ladder
  lightning-scaling report --experiment ladder --store http://localhost:5000 --watch 60
  lightning-scaling report --experiment ladder --log
  lightning-scaling report 'runs/*.csv' --params 124M --tokens-per-step 0.5M
  lightning-scaling report --experiment other --names loss=val_loss,tokens_per_step=8192,params=n_params
"""


@click.command("report", epilog=EXAMPLES)
@click.option("--experiment", "experiments", multiple=True, help="Name of the experiment; several make one report.")
@click.option("--store", help="MLflow tracking URI or a folder.  [default: sqlite:///mlflow.db]")
@source_options
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default="scaling-report", help="Folder of the page.")
@click.option("--watch", type=click.FloatRange(min=1), metavar="SECONDS", help="Write it again this often until Ctrl-C.")
@click.option("--log", is_flag=True, help="Record the law and this report in the store, as a run that links its members.")
@click.option("--include-unfinished", "unfinished", is_flag=True, help="Count the last loss of runs that never ended too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def command(experiments: tuple[str, ...], out: Path, watch: float | None, log: bool, unfinished: bool, as_json: bool, **given: Any) -> None:
    """Write report.html and its pictures of the runs of an experiment, or of log files: any kind, folders, globs, - for standard input."""
    if not given["sources"] and not experiments:
        raise ValueError("give the runs: --experiment NAME of a store, or log files")
    sources = read_sources(given, experiments)
    if watch is not None and as_json:
        raise ValueError("--json prints one document and --watch never ends: give one of them")
    if watch is not None and log:
        raise ValueError("--log records one study and --watch would record one a turn: give one of them")
    if sources.files and log:
        raise ValueError("--log records the study beside its runs in a store: bring the files in with `lightning-scaling import` first")
    if watch is not None and "-" in sources.files:
        raise ValueError("standard input is read once and --watch reads again and again: give a file")
    if watch is None:
        report_once(sources, out, as_json, log=log, unfinished=unfinished)
    else:
        watching(sources, out, watch, unfinished)


_MOST_ROWS = 40  # in the terminal


def report_once(
    sources: Sources,
    out: Path,
    as_json: bool,
    refresh: float | None = None,
    log: bool = False,
    unfinished: bool = False,
) -> Path:
    """Load, fit, write, record where `log` asks for it, and print the tables or one JSON document; the page's path."""
    from lightning_scaling.laws.runs_fit import fit_or_explain
    from lightning_scaling.report.links import mlflow_links, no_links
    from lightning_scaling.report.optima import published
    from lightning_scaling.report.page import write_report
    from lightning_scaling.report.siblings import mlflow_facts, no_facts

    study, read = sources.study()
    fit = fit_or_explain(study.records, sources.title, unfinished)
    more: dict[str, Any] = {"presets": published(), "rejected": study.rejected, "refresh": refresh}
    more["links"] = no_links if sources.files else mlflow_links(sources.store)
    more["facts_of"] = no_facts if sources.files else mlflow_facts(sources.store)
    page = write_report(out, study.records, fit, sources.title, **more)
    logged = _logged(study, fit, page, sources.store, sources.experiments[0]) if log else None
    _show_json(study, fit, page, logged, read) if as_json else _show_tables(study, fit, page, logged, read)
    return page


def _logged(study: "Study", fit: "RunsFit", page: Path, store: str | None, experiment: str) -> str:
    """The id of the study's run: the law with its report and pictures, beside the runs it was fitted to."""
    from lightning_scaling.report.publish import log_study

    pictures = {f"figures/{each.name}": each for each in sorted(page.parent.glob("*.png")) if not each.stem.endswith("-dark")}
    return log_study(study, fit if fit.usable else None, {page.name: page, **pictures}, uri=store, experiment=experiment)


def watching(sources: Sources, out: Path, seconds: float, unfinished: bool = False) -> None:
    """Again every `seconds` until Ctrl-C; the page reloads itself as often."""
    try:
        while True:
            report_once(sources, out, as_json=False, refresh=seconds, unfinished=unfinished)
            time.sleep(seconds)
    except KeyboardInterrupt:
        click.echo(f"\nstopped watching; the last report is {out / 'report.html'}")


def _show_tables(study: "Study", fit: "RunsFit", page: Path, logged: str | None, read: Sequence[Reading | RunsTable]) -> None:
    from rich.console import Console

    from lightning_scaling.report import tables

    fitted = len(fit.runs) >= 3
    some = sorted(study.records, key=lambda record: record.spent)[-_MOST_ROWS:]
    shown: list[Any] = [tables.runs_table(some), tables.law_table(fit.surface, fit.frontier) if fitted else tables.law_table()]
    shown += [] if fit.largest is None else [tables.prediction_table(fit.largest)]
    shown += [tables.allocation_table(study.records, fit)] if fit.split_identified else []
    console = Console()
    for line in explained(read):
        console.print(line, markup=False, soft_wrap=True)
    for each in (*shown, *fit.notes):
        console.print(each)
    if len(some) < len(study):
        console.print(f"the {len(some)} runs of most compute are shown; all {len(study)} are in {page.with_name('runs.csv')}", markup=False)
    for run in study.rejected[:_MOST_ROWS]:
        console.print(f"left out {named}: {run.reason}" if (named := run.name or run.run_id) else f"left out: {run.reason}", markup=False)
    console.print(f"report: {page}", markup=False, soft_wrap=True)
    if logged:
        console.print(f"recorded as run {logged}", markup=False, soft_wrap=True)


def _show_json(study: "Study", fit: "RunsFit", page: Path, logged: str | None, read: Sequence[Reading | RunsTable]) -> None:
    from lightning_scaling.report.document import document

    rejected = [{"run": run.name or run.run_id, "reason": run.reason} for run in study.rejected]
    where = {"report": str(page), "study_run": logged, "read": [each.to_json() for each in read]}
    click.echo(json.dumps({**document(study.records, fit), "rejected": rejected, **where}, allow_nan=False))
