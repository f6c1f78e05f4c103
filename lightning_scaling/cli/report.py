"""`lightning-scaling report`: the runs of an experiment as one page, pictures and tables; again and again while they train."""

from pathlib import Path

import click

EXAMPLES = """
\b
Examples:
  lightning-scaling report --experiment ladder
  lightning-scaling report --experiment ladder --store http://localhost:5000 --watch 60
  lightning-scaling report --experiment ladder --log
"""


@click.command("report", epilog=EXAMPLES)
@click.option("--experiment", "experiments", multiple=True, required=True, help="Name of the MLflow experiment; several make one report.")
@click.option("--store", help="MLflow tracking URI.  [default: sqlite:///mlflow.db]")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default="scaling-report", help="Folder of the page.")
@click.option("--watch", type=click.FloatRange(min=1), metavar="SECONDS", help="Write it again this often until Ctrl-C.")
@click.option("--log", is_flag=True, help="Record the law and this report in the store, as a run that links its members.")
@click.option("--include-unfinished", "unfinished", is_flag=True, help="Count the last loss of runs that never ended too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def command(
    experiments: tuple[str, ...], store: str | None, out: Path, watch: float | None, log: bool, unfinished: bool, as_json: bool
) -> None:
    """Write report.html and its pictures of an experiment's runs."""
    from lightning_scaling.cli.reporting import report_once, watching

    if watch is not None and as_json:
        raise ValueError("--json prints one document and --watch never ends: give one of them")
    if watch is not None and log:
        raise ValueError("--log records one study and --watch would record one a turn: give one of them")
    if watch is None:
        report_once(experiments, store, out, as_json, log=log, unfinished=unfinished)
    else:
        watching(experiments, store, out, watch, unfinished)
