"""`lightning-scaling report`: the runs of an experiment as one page, pictures and tables; again and again while they train."""

from pathlib import Path

import click

EXAMPLES = """
\b
Examples:
  lightning-scaling report --experiment ladder
  lightning-scaling report --experiment ladder --store http://localhost:5000 --watch 60
  lightning-scaling report --experiment ladder --log
  lightning-scaling report --experiment other --loss-metric val_loss --tokens-per-step 0.5M --params n_params
"""


@click.command("report", epilog=EXAMPLES)
@click.option("--experiment", "experiments", multiple=True, required=True, help="Name of the MLflow experiment; several make one report.")
@click.option("--store", help="MLflow tracking URI.  [default: sqlite:///mlflow.db]")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default="scaling-report", help="Folder of the page.")
@click.option("--watch", type=click.FloatRange(min=1), metavar="SECONDS", help="Write it again this often until Ctrl-C.")
@click.option("--log", is_flag=True, help="Record the law and this report in the store, as a run that links its members.")
@click.option("--include-unfinished", "unfinished", is_flag=True, help="Count the last loss of runs that never ended too.")
@click.option("--loss-metric", default="", metavar="NAME", help="Take in runs of other programs: the metric that is their loss.")
@click.option("--token-metric", default="", metavar="NAME", help="… the metric that counts their tokens,")
@click.option("--tokens-per-step", default="", metavar="NUMBER", help="… or the tokens of one step, such as 8192 or 0.5M.")
@click.option("--params", default="", metavar="N", help="… their number of parameters, or the name of the parameter or tag that holds it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def command(
    experiments: tuple[str, ...],
    store: str | None,
    out: Path,
    watch: float | None,
    log: bool,
    unfinished: bool,
    as_json: bool,
    **mapping: str,
) -> None:
    """Write report.html and its pictures of an experiment's runs."""
    from lightning_scaling.cli.reporting import report_once, watching
    from lightning_scaling.server.metric_mapping import MappingChoice

    if watch is not None and as_json:
        raise ValueError("--json prints one document and --watch never ends: give one of them")
    if watch is not None and log:
        raise ValueError("--log records one study and --watch would record one a turn: give one of them")
    names = MappingChoice(**mapping).names()  # as the page reads them
    if watch is None:
        report_once(experiments, store, out, as_json, log=log, unfinished=unfinished, mapping=names)
    else:
        watching(experiments, store, out, watch, unfinished, names)
