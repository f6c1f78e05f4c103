"""`lightning-scaling fit`: a law over runs of many sizes, from a table, from log files or from a store."""

import json
from typing import TYPE_CHECKING, Any

import click

from lightning_scaling.cli.options import Count
from lightning_scaling.cli.sources import read_sources, source_options

if TYPE_CHECKING:
    from lightning_scaling.cli.fit_answer import Found

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
    context = click.get_current_context()
    stated = {name for name in given if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE}
    found = answer(stated, given)
    click.echo(json.dumps(found.json(), allow_nan=False) if as_json else "\n".join([*found.read, found.words]))


KINDS = ("task", "hyper", "moe")
# Options of the surface alone, by their names on the command line.
OF_SURFACE = {
    "objective": "--objective", "resamples": "--resamples", "seed": "--seed", "backtest": "--backtest", "factor": "--factor",
    "flops": "--flops", "next_budget": "--next-budget", "target": "--target", "compare": "--approaches", "save_to": "--save",
}  # fmt: skip
# Options that only these kinds take; "" is the surface.
TAKEN_BY = {
    "chance": ("--chance", ("task",)),
    "batch_column": ("--batch-column", ("hyper",)),
    "at_total": ("--at-total", ("moe",)),
    "active_column": ("--active-column", ("", "moe")),
    "flops_column": ("--flops-column", ("",)),
    "read_as": ("--replicates", ("", "task")),
    "unfinished": ("--include-unfinished", ("", "hyper", "moe")),
}


def answer(stated: set[str], given: dict[str, Any]) -> "Found":
    """The law that was asked for.

    Args:
        stated: names of the options that were written on the command line.
        given: all options.
    """
    from lightning_scaling.cli import fit_hyperparameters, fit_moe, fit_surface, fit_task, fit_words
    from lightning_scaling.cli.fit_answer import Found, Planned

    kind = _kind(given)
    _require_taken(kind, stated)
    if "factor" in stated and not given["backtest"]:
        raise ValueError("--factor says which runs --backtest holds out: give --backtest with it")
    planned = Planned(*(given.pop(name) for name in ("at_params", "at_total", "at_tokens")))
    task, chance, batch, _, _ = (given.pop(name) for name in ("task", "chance", "batch_column", "hyper", "moe"))
    if not kind:
        found, read = fit_surface.answer(planned=planned, **given)
        return Found(found, fit_words.words(found), read)
    level, unfinished, read_as = given["level"], given["unfinished"], given["read_as"]
    named = {"params": given["params_column"], "active": given["active_column"]}
    sources = read_sources(given, given["experiment"])
    named |= {"run": sources.options.run_column, **{role: sources.options.columns.get(role) for role in ("tokens", "loss")}}
    named |= {"learning rate": sources.options.columns.get("lr"), "batch": batch} if kind == "hyper" else {}
    columns = {role: name for role, name in named.items() if name is not None}
    if sources.files and unfinished:
        raise ValueError("--include-unfinished is for runs of a store: every row of a table counts as finished")
    if kind == "task":
        return fit_task.answer(sources, columns, planned, level, task, chance, read_as)
    fitted = fit_hyperparameters.answer if kind == "hyper" else fit_moe.answer
    return fitted(sources, columns, planned, level, unfinished)


def _kind(given: dict[str, Any]) -> str:
    asked = [kind for kind in KINDS if given[kind]]
    if len(asked) > 1:
        raise ValueError(f"--{asked[0]} and --{asked[1]} are laws of their own: ask for one at a time")
    return asked[0] if asked else ""


def _require_taken(kind: str, stated: set[str]) -> None:
    for name, option in OF_SURFACE.items():
        if kind and name in stated:
            raise ValueError(f"{option} belongs to the law L(N, D) and has no part in --{kind}: leave it out, or fit without --{kind}")
    for name, (option, kinds) in TAKEN_BY.items():
        if name in stated and kind not in kinds:
            needed = " or ".join(f"--{each}" for each in kinds if each) or f"a fit without --{kind}"
            raise ValueError(f"{option} goes with {needed}")
