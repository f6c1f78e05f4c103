"""`lightning-scaling report`: runs of a store or of log files as one page, pictures and tables; again and again while they train."""

from pathlib import Path
from typing import Any

import click

from lightning_scaling.cli.sources import read_sources, source_options

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
    from lightning_scaling.cli.reporting import report_once, watching

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
