"""`lightning-scaling advise`: what to do with a run, from a CSV of its curve or from an MLflow store, also while it is still training."""

from typing import Any

import click

from lightning_scaling.cli.column_options import column_options, names_option
from lightning_scaling.cli.plan import Count

EXAMPLES = """
\b
Examples:
  lightning-scaling advise curve.csv --planned 2e9
  lightning-scaling advise curve.csv --planned 2e9 --params 124e6 --unique-tokens 1e8 --law besiroglu2024
  lightning-scaling advise curve.csv --planned 1.4T --params 7B --target-loss 2.0 --served 1e13 --law hoffmann2022
  lightning-scaling advise --store sqlite:///mlflow.db --run 3f2c91
"""


@click.command("advise", epilog=EXAMPLES)
@click.argument("path", metavar="[FILE]", required=False)
@click.option("--planned", help="Token budget: where the run ends, e.g. 2e9, '10k steps', '100 epochs' (a store knows it).")
@click.option("--params", type=Count(), help="N: params of the model.")
@click.option("--unique-tokens", type=Count(), help="Size of the data, where it is repeated.")
@click.option("--siblings", multiple=True, metavar="CSV", help="A finished run of the same family; may be repeated.")
@click.option("--store", help="MLflow tracking URI; give --run with it.")
@click.option("--run", "run_id", help="Id of the MLflow run, or how it begins; with a FILE of several runs, the name of one.")
@click.option("--law", help="A published law, or a law.json saved by `fit`: what a larger model would reach.")
@click.option("--threshold", type=click.FloatRange(0, 1, True, True), help="Relative gain below which the rest is not worth it.")
@click.option("--probability", type=click.FloatRange(0, 1, True, True), default=0.9, show_default=True, help="How sure a plateau must be.")
@click.option("--target-loss", type=float, help="The loss the model is for.")
@click.option("--served", type=Count(), help="Tokens it will answer in its life.")
@click.option("--no-fresh-data", is_flag=True, help="No more data can be had.")
@click.option("--schedule-free", is_flag=True, help="The optimiser needs no learning-rate decay.")
@click.option("--unit", help="What the clock counts, where the file does not show it: tokens, samples, steps, epochs.")
@column_options
@names_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def command(**given: Any) -> None:
    """Continue, stop, decay, bring fresh data, or grow: the verdict with its numbers."""
    from lightning_scaling.cli.advising import answer, show

    as_json = given.pop("as_json")
    show(*answer(**given), as_json)
