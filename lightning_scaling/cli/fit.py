"""`lightning-scaling fit`: a law over runs of many sizes, from a table, from log files or from a store."""

from typing import Any

import click

from lightning_scaling.cli.plan import Count
from lightning_scaling.cli.sources import source_options

EXAMPLES = """
\b
Examples:
  lightning-scaling fit runs.csv
  lightning-scaling fit runs.csv --backtest --save law.json
  lightning-scaling fit runs.csv --next-budget 1e21 --target 1e23 --json
  lightning-scaling fit runs.csv --at-params 7B --at-tokens 2T
  lightning-scaling fit runs.csv --task hellaswag_acc --chance .25 --at-params 13B --at-tokens 5T
  lightning-scaling fit sweep.csv --hyper
  lightning-scaling fit runs.csv --moe
  lightning-scaling fit --store sqlite:///mlflow.db --experiment ladder
  lightning-scaling fit 'runs/*/metrics.csv' --tokens-per-step 0.5M
"""


@click.command("fit", epilog=EXAMPLES)
@click.option("--store", help="MLflow tracking URI or folder to read runs from, instead of files.")
@click.option("--experiment", multiple=True, help="Experiments of the store (default: all).")
@source_options
@click.option("--params-column", metavar="NAME", help="Column of N in a table of runs; found by its usual names.")
@click.option("--active-column", metavar="NAME", help="Column of the active params of a mixture of experts, beside all its params.")
@click.option("--flops-column", metavar="NAME", help="Column of the training FLOPs in a table of runs.")
@click.option("--include-unfinished", "unfinished", is_flag=True, help="Count the last loss of runs that never ended too.")
@click.option("--objective", default="huber", show_default=True, help="huber, log_least_squares or noise_huber.")
@click.option("--resamples", default=1000, show_default=True, help="Bootstrap resamples for the intervals; 0 for none.")
@click.option("--seed", default=0, show_default=True, help="Seed of the bootstrap.")
@click.option("--level", default=0.9, show_default=True, help="Level of the intervals.")
@click.option("--backtest", is_flag=True, help="Hold out the largest runs and report how well they were predicted.")
@click.option("--factor", default=10.0, show_default=True, help="Hold out the runs above 1/FACTOR of the largest compute.")
@click.option(
    "--flops",
    multiple=True,
    help="Budgets to place the optimum for, e.g. 1e22 or '3.3 PF-days' (default: 1, 10 and 100 times the largest run).",
)
@click.option("--next-budget", help="FLOPs to spend on further runs: which would narrow the law most.")
@click.option("--target", help="FLOPs at which the law will be used (default: ten times --next-budget).")
@click.option("--at-params", type=Count(), help="Params of a planned run to predict (of a mixture of experts the active ones).")
@click.option("--at-tokens", type=Count(), help="Its tokens.")
@click.option("--at-total", type=Count(), help="With --moe: all its params.")
@click.option("--task", metavar="COLUMN", help="The law of this score over the loss: accuracies, or log-probabilities.")
@click.option("--chance", type=float, help="With --task: the accuracy of guessing, e.g. .25.")
@click.option("--replicates", "read_as", type=click.Choice(("auto", "seeds", "sweep")), default="auto", help="What rows of one (N, D) are.")
@click.option("--hyper", is_flag=True, help="The best learning rate and batch size over N and D (columns: --lr-column, --batch-column).")
@click.option("--batch-column", metavar="NAME", help="With --hyper: column of the batch size in tokens.")
@click.option("--moe", is_flag=True, help="The law over active and total params of dense models and mixtures of experts.")
@click.option("--approaches", "compare", is_flag=True, help="IsoFLOP parabolas and Kaplan's law beside the surface.")
@click.option("--save", "save_to", help="Write the law as JSON, for `plan --law`.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def command(as_json: bool, **given: Any) -> None:
    """Fit L(N, D) = E + A/N^alpha + B/D^beta to finished runs.

    SOURCE is a table with a line a run and columns for params, tokens (or flops) and loss; usual names are recognised, and a column `run`
    or `group` marks points of one run. Or it is log files of runs: several, a folder, a glob. With --task, --hyper or --moe another law is
    fitted instead.
    """
    import json

    from lightning_scaling.cli.fit_kind import answer

    context = click.get_current_context()
    stated = {name for name in given if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE}
    found = answer(stated, given)
    click.echo(json.dumps(found.json(), allow_nan=False) if as_json else "\n".join([*found.read, found.words]))
