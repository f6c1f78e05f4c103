"""The report as plain data for programs: the same facts as the tables, NaN as null."""

import math
from collections.abc import Iterable
from typing import Any

from lightning_scaling.report.fits import Fits
from lightning_scaling.report.lines import budgets
from lightning_scaling.report.reading import Aim, optimum_interval, usable
from lightning_scaling.report.rows import RunRow, rows
from lightning_scaling.run.record import RunRecord


def document(records: Iterable[RunRecord], found: Fits) -> dict[str, Any]:
    """Runs, laws, the held-out prediction and the best use of compute, ready for JSON."""
    runs = rows(records)
    law = _constants(found.law, ("E", "A", "B", "alpha", "beta"))
    frontier = _constants(found.frontier, ("exponent", "scale", "r_squared", "spread", "floor", "floor_scale", "floor_exponent"))
    optima = [_optimum(found.law, flops) for flops, _ in budgets(runs)] if usable(found.law) else []
    told = {"runs": [_run(r) for r in runs], "law": law, "frontier": frontier, "prediction": _aim(found.aim), "optima": optima}
    cleaned: dict[str, Any] = without_nan({**told, "notes": list(found.notes)})
    return cleaned


def without_nan(value: Any) -> Any:
    """NaN and infinities as None, at any depth: JSON has no word for them.

    >>> without_nan({"a": [1.0, float("nan")]})
    {'a': [1.0, None]}
    """
    if isinstance(value, dict):
        return {k: without_nan(v) for k, v in value.items()}
    if isinstance(value, list):
        return [without_nan(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _run(run: RunRow) -> dict[str, Any]:
    forecast = run.forecast
    half = None if forecast is None else {"tokens": forecast.tokens, "loss": forecast.loss, "low": forecast.low, "high": forecast.high}
    names = ("name", "params", "tokens", "flops", "pf_days", "tokens_per_param", "loss", "error", "inside", "verdict", "because")
    place = {"state": run.record.state.name, "run_id": run.record.run_id}
    return {name: getattr(run, name) for name in names} | {"forecast_at_half": half} | place


def _constants(fit: Any, names: tuple[str, ...]) -> dict[str, Any] | None:
    if fit is None:
        return None
    outcome = getattr(fit, "outcome", None)
    said = {"outcome": None if outcome is None else outcome.name, "message": None if outcome is None else str(outcome)}
    return {name: float(getattr(fit, name)) for name in names} | said


def _aim(aim: Aim | None) -> dict[str, Any] | None:
    return None if aim is None else {**vars(aim), "flops": aim.flops, "error": aim.error, "inside": aim.inside}


def _optimum(law: Any, flops: float) -> dict[str, Any]:
    best = law.optimum(flops)
    parts = {name: float(getattr(best, name)) for name in ("params", "tokens", "loss")}
    return {"flops": flops} | parts | {f"{name}_interval": list(optimum_interval(best, name)) for name in parts}
