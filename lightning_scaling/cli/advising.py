"""What `advise` reads, asks and prints: a curve from a CSV file or a store, the advice."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from lightning_scaling.advice import Advice, Economics, advise
from lightning_scaling.cli.column_options import file_options, mapping_of
from lightning_scaling.importers import Reading, read_run
from lightning_scaling.importers.at import amount, place
from lightning_scaling.numbers import loss
from lightning_scaling.run.curve import Curve


def answer(path: str | None, store: str | None, run_id: str | None, planned: str | None, **terms: Any) -> tuple[Advice, Reading | None]:
    """The advice for one run, and how its file was read; ValueError in one line for what cannot be read or does not fit together."""
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


def show(advice: Advice, reading: Reading | None, as_json: bool) -> None:
    """One JSON document, or how the file was read, the verdict, its sentences and a table of options."""
    if as_json:
        read = {} if reading is None else {"read": reading.to_json()}
        click.echo(json.dumps(_plain(advice.to_json() | read), allow_nan=False))
        return
    if reading is not None:
        click.echo("\n".join(reading.lines()))
    click.echo(str(advice))


def _plain(value: Any) -> Any:
    """Numbers that JSON knows: no NaN, no numpy."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value
