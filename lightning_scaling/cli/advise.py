"""`lightning-scaling advise`: what to do with a run, from a CSV of its curve or from an MLflow store, also while it is still training."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from lightning_scaling.cli.options import Count, column_options, file_options, mapping_of, names_option
from lightning_scaling.importers import Reading, read_run
from lightning_scaling.importers.reading import amount, place
from lightning_scaling.numbers import loss
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import finite_json

if TYPE_CHECKING:
    from lightning_scaling.advice import Advice

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
    as_json = given.pop("as_json")
    show(*answer(**given), as_json)


def answer(path: str | None, store: str | None, run_id: str | None, planned: str | None, **terms: Any) -> tuple["Advice", Reading | None]:
    """The advice for one run, and how its file was read; ValueError in one line for what cannot be read or does not fit together."""
    from lightning_scaling.advice import Economics, advise

    if (path is None and run_id is None) or (path is not None and store is not None):
        raise ValueError("give one run: a log FILE, or --run with the id of an MLflow run (and --store for its address)")
    if terms["served"] and terms["target_loss"] is None:
        raise ValueError("what serving costs is weighed at the loss to be served: give --target-loss with --served")
    options, names = file_options(terms, run_id), mapping_of(terms["names"])
    if names is not None and path is not None:
        raise ValueError("--names reads runs of a store; for a file give --loss-column and --tokens-per-step")
    siblings = [read_run(each, options).curve for each in terms["siblings"]]
    reading = None if path is None else read_run(path, options)
    if reading is not None:
        curve = replace(reading.curve, params=_whole(terms["params"]) or reading.curve.params, unique_tokens=terms["unique_tokens"])
        budget = None if planned is None else place(planned, reading, "--planned")[0]
    else:
        budget = None if planned is None else _tokens(planned)
        curve, budget, siblings = _from_store(store, str(run_id), budget, siblings, names)
    if budget is None:
        raise ValueError("the token budget is not known: give --planned with the tokens (or steps) at the end of the run")
    _require_reachable(terms["target_loss"], curve)
    economics = Economics(
        threshold=terms["threshold"],
        probability=terms["probability"],
        target_loss=terms["target_loss"],
        tokens_served=terms["served"] or 0.0,
        fresh_tokens=not terms["no_fresh_data"],
    )
    unit = terms["unit"] or ("tokens" if reading is None else reading.unit)
    more = {"schedule_free": terms["schedule_free"], "unit": unit}
    return advise(curve, budget, siblings, law=_law(terms["law"]), economics=economics, **more), reading


def _require_reachable(target: float | None, curve: Curve) -> None:
    """A target that is not positive belongs to a loss that is not either."""
    seen = curve.loss[np.isfinite(curve.loss)]
    if target is not None and target <= 0 and len(seen) and seen.min() > 0:
        raise ValueError(f"a target loss of {loss(target)} is never reached: every loss of this run is above zero; give one above zero")


def _tokens(planned: str) -> float:
    number, unit = amount(planned, "--planned")
    if unit not in (None, "tokens"):
        raise ValueError(f"--planned counts tokens for a run of a store, got {planned!r}")
    return number


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _from_store(
    store: str | None, run_id: str, planned: float | None, siblings: list[Curve], names: Any
) -> tuple[Curve, float | None, list[Curve]]:
    """The run whose id begins like this, its token budget, and the finished smaller runs of its family."""
    from lightning_scaling.store import load

    study = load(store, mapping=names)
    found = [each for each in study if (each.run_id or "").startswith(run_id)]
    if len(found) != 1:
        refused = next((each.reason for each in study.rejected if each.run_id.startswith(run_id)), None)
        which = f"{len(found)} runs begin with {run_id!r}: give more of the id" if found else refused or f"no run {run_id!r} in the store"
        raise ValueError(which)
    record = found[0]
    family = study.siblings(record.family, below=record.curve.params) if record.family is not None else []
    return record.curve, planned or record.planned_tokens, [*siblings, *family]


def _law(name: str | None) -> Any:
    if name is None or not name.endswith(".json"):
        return name
    from lightning_scaling.laws.saved import load

    return load(Path(name))


def show(advice: "Advice", reading: Reading | None, as_json: bool) -> None:
    """One JSON document, or how the file was read, the verdict, its sentences and a table of options."""
    if as_json:
        read = {} if reading is None else {"read": reading.to_json()}
        click.echo(json.dumps(finite_json(advice.to_json() | read), allow_nan=False))
        return
    if reading is not None:
        click.echo("\n".join(reading.lines()))
    click.echo(str(advice))
