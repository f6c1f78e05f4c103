"""The report as plain data for programs: the same facts as the tables, NaN as null."""

from collections.abc import Iterable
from typing import Any

from lightning_scaling.laws.extrapolation.backtests import HeldOut
from lightning_scaling.laws.frontier.frontier import FrontierFit
from lightning_scaling.laws.runs_fit import RunsFit
from lightning_scaling.laws.surface.surface import CONSTANTS
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.report.optima import budgets, interval_of
from lightning_scaling.report.rows import RunRow, rows
from lightning_scaling.run.record import RunRecord, finite_json

_FRONTIER = ("exponent", "scale", "r_squared", "spread", "floor", "floor_scale", "floor_exponent")


def document(records: Iterable[RunRecord], fit: RunsFit) -> dict[str, Any]:
    """Runs, laws, the held-out prediction and the best use of compute, ready for JSON."""
    runs, fitted = rows(records), len(fit.runs) >= 3
    optima = [_optimum(fit, flops) for flops, _ in budgets(runs)] if fit.usable else []
    laws = {"law": _surface(fit.surface) if fitted else None, "frontier": _frontier(fit.frontier) if fitted else None}
    counted = {"flops_per_param_and_token": fit.flops_per, "notes": list(fit.notes)}
    everything = {"runs": [_run(r) for r in runs], **laws, "prediction": _held_out(fit.largest), "optima": optima, **counted}
    cleaned: dict[str, Any] = finite_json(everything)
    return cleaned


def _run(run: RunRow) -> dict[str, Any]:
    forecast = run.forecast
    half = None if forecast is None else {"tokens": forecast.tokens, "loss": forecast.loss, "low": forecast.low, "high": forecast.high}
    names = ("name", "params", "tokens", "flops", "pf_days", "tokens_per_param", "loss", "error", "inside", "verdict", "because")
    place = {"state": run.record.state.name, "run_id": run.record.run_id}
    return {name: getattr(run, name) for name in names} | {"forecast_at_half": half} | place


def _surface(fit: SurfaceFit) -> dict[str, Any]:
    constants = {name: float(getattr(fit.surface, name)) for name in CONSTANTS}
    questions = {"split_identified": bool(fit.split_identified), "usable": bool(fit.usable)}
    return constants | questions | {"outcome": fit.outcome.name, "message": str(fit.outcome)}


def _frontier(fit: FrontierFit) -> dict[str, Any]:
    return {name: float(getattr(fit, name)) for name in _FRONTIER} | {"outcome": fit.outcome.name, "message": str(fit.outcome)}


def _held_out(largest: HeldOut | None) -> dict[str, Any] | None:
    return None if largest is None else {**vars(largest), "error": largest.error, "inside": largest.inside}


def _optimum(fit: RunsFit, flops: float) -> dict[str, Any]:
    best = fit.optimum(flops)
    parts = {"params": float(best.params), "tokens": float(best.tokens), "loss": float(best.loss)}
    return {"flops": flops} | parts | {f"{name}_interval": list(interval_of(best, name)) for name in parts}
