"""What `fit` computes, as one plain dict: the law, its intervals, optima, the backtest and the next runs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lightning_scaling.cli.runs_table import read_runs
from lightning_scaling.laws import backtest, fit_records, fit_surface, identifying_run, next_runs, propose_outliers, save
from lightning_scaling.laws.surface import CONSTANTS
from lightning_scaling.laws.surface_fit import SurfaceFit
from lightning_scaling.numbers import parse_count
from lightning_scaling.units import FLOPS_PER_PF_DAY

# One start finds the minimum on every published family; a command can afford the certificate.
STARTS = 6


def answer(
    table: str | None,
    store: str | None,
    experiment: Sequence[str],
    level: float,
    flops: Sequence[str],
    next_budget: str | None,
    target: str | None,
    save_to: str | None,
    factor: float,
    compare: bool,
    **how: Any,
) -> dict[str, Any]:
    """Fit the runs of a table or of a store and answer what was asked of them."""
    hold_out = how.pop("backtest")
    law = _fitted(table, store, experiment, how)
    found = _law(law, level) | {"optima": [_optimum(law, budget, level) for budget in _budgets(law, flops)]}
    found |= {"outliers": _outliers(law), "identifying_run": _identifying(law)}
    if compare:
        found["approaches"] = _approaches(law, level)
    if hold_out:
        found["backtest"] = _backtest(law, factor, level)
    if next_budget:
        aim = None if target is None else _count("--target", target)
        found["next_runs"] = next_runs(law, _count("--next-budget", next_budget), aim).ladder()
    if save_to:
        found["saved"] = str(save(law, save_to))
    return found


def _fitted(table: str | None, store: str | None, experiment: Sequence[str], how: dict[str, Any]) -> SurfaceFit:
    if (table is None) == (store is None and not experiment):
        raise ValueError("give either a table of runs (fit runs.csv) or a store (fit --store URI --experiment NAME)")
    if how["resamples"] < 0:
        raise ValueError(f"--resamples must be zero or more, got {how['resamples']}")
    if table is not None:
        runs = read_runs(table)
        notes = {"source": table, "columns": runs.columns}
        return fit_surface(
            runs.params, runs.tokens, runs.loss, groups=runs.run, flops=runs.flops, notes=notes, name=table, starts=STARTS, **how
        )
    from lightning_scaling.store import load

    study = load(store, list(experiment) or None)
    return fit_records(list(study.records), name=", ".join(experiment) or "all runs", starts=STARTS, **how)


def _law(law: SurfaceFit, level: float) -> dict[str, Any]:
    numbers = {name: _plain(getattr(law, name)) for name in CONSTANTS} | {"N_exponent": _plain(law.surface.N_exponent)}
    intervals = None if law.resamples is None else {name: list(law.interval(name, level)) for name in numbers}
    found: dict[str, Any] = {
        "law": law.name,
        "form": "E + A/N^alpha + B/D^beta",
        "constants": numbers,
        "intervals": intervals,
        "level": level,
    }
    found |= {"runs": len(law.points), "noise": _plain(law.noise), "objective": _plain(law.objective), "procedure": law.procedure}
    return found | {"agreement": list(law.agreement), "outcome": law.outcome.name, "meaning": str(law.outcome), "because": law.because}


def _optimum(law: SurfaceFit, budget: float, level: float) -> dict[str, Any]:
    best = law.optimum(budget, level)
    found: dict[str, Any] = {"flops": budget, "pf_days": budget / FLOPS_PER_PF_DAY}
    for name in ("params", "tokens", "loss"):
        interval = getattr(best, f"{name}_interval")
        found |= {name: _plain(getattr(best, name)), f"{name}_interval": None if interval is None else [_plain(v) for v in interval]}
    return found


def _budgets(law: SurfaceFit, flops: Sequence[str]) -> list[float]:
    if not np.isfinite(law.alpha):
        return []
    largest = float(law.points.flops.max() / 6 * law.flops_per)
    return [_count("--flops", f) for f in flops] or [largest, 10 * largest, 100 * largest]


def _outliers(law: SurfaceFit) -> dict[str, Any] | None:
    if not np.isfinite(law.alpha):
        return None
    proposal = propose_outliers(law)
    without = None if proposal.dropped is law else {name: _plain(getattr(proposal.dropped, name)) for name in CONSTANTS}
    return {"proposed": np.flatnonzero(proposal.outlier).tolist(), "because": proposal.because, "constants_without": without}


def _identifying(law: SurfaceFit) -> dict[str, Any] | None:
    """The run that would identify an open exponent, where one is open."""
    if law.outcome.name in ("IDENTIFIED", "TOO_FEW_POINTS"):
        return None
    run = identifying_run(law)
    return {**vars(run), "meaning": str(run)}


def _approaches(law: SurfaceFit, level: float) -> dict[str, Any]:
    from lightning_scaling.laws import approaches

    p, how = law.points, law.procedure
    found = approaches(p.params, p.tokens, p.loss, groups=p.groups, level=level, resamples=how["resamples"] or 200, seed=how["seed"])
    rows = [{"approach": r.name, "N_exponent": r.N_exponent, "interval": r.interval, "because": r.because} for r in found.table]
    return {"table": rows, "verdict": found.verdict}


def _backtest(law: SurfaceFit, factor: float, level: float) -> dict[str, Any]:
    test = backtest(law.points.params, law.points.tokens, law.points.loss, factor, level, law.points.groups)
    rows = zip(
        test.params,
        test.tokens,
        test.loss,
        test.predicted.loss,
        test.predicted.low,
        test.predicted.high,
        test.predicted.factor,
        strict=True,
    )
    names = ("params", "tokens", "loss", "predicted", "low", "high", "factor")
    held = [dict(zip(names, map(float, row), strict=True)) for row in rows]
    return {"because": test.because, "inside": test.inside, "outcome": test.predicted.outcome.name, "held_out": held}


def _count(option: str, text: str) -> float:
    number = parse_count(text)
    if not 0 < number < float("inf"):
        raise ValueError(f"{option} must be a positive number of FLOPs such as 1e21, got {text!r}")
    return number


def _plain(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
