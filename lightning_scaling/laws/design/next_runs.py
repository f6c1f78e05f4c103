"""Which runs to train next, so that the law is known best where it will be used, and the one run that would identify an exponent.

Optimal design (Kiefer & Wolfowitz 1959; c-optimality) on the fitted surface: a run is worth what it takes off the variance of the
predicted loss at the target, or of an exponent. The law's own misfit is part of the first, so repeating tiny runs is worth little and runs
nearer to the target are worth more.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.extrapolation.drift import matern
from lightning_scaling.laws.outcomes import SurfaceOutcome
from lightning_scaling.laws.surface.identify import centred_theta, sensitivities
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.numbers import count
from lightning_scaling.units import pf_days, training_flops

GRID = 40
# Runs of more or less than this times the target's tokens per param cover shapes that nobody trains.
LOPSIDED = 10.0
REACH, DRIFT = 2.0, 2.0  # of the drift: e-folds, and its deviation over the noise of a run
# Prior deviations of (e, a, b, alpha, beta): a term may be off by its own size, an exponent by what published ones differ.
EXPONENT_SPREAD = 0.10
PRIOR = np.array([1.0, 1.0, 1.0, EXPONENT_SPREAD, EXPONENT_SPREAD]) ** 2
# Sizes, lengths and tokens per parameter up to this many times beyond those trained.
BEYOND, FINER = 4.0, 33


@dataclass(frozen=True)
class NextRun:
    """One run to train: its size, length and cost, and the relative error of the loss at the target once it is known."""

    params: int
    tokens: int
    flops: int
    pf_days: float
    error_after: float


@dataclass(frozen=True)
class NextRuns:
    """Runs to train next, cheapest first; the relative standard error of the loss at the target before and after."""

    target_params: float
    target_tokens: float
    budget: float
    error_before: float
    error_after: float
    runs: tuple[NextRun, ...]

    def ladder(self) -> dict[str, Any]:
        """A plain dict a ladder can run: {"runs": [{"params": …, "tokens": …, "flops": …, "pf_days": …}, …], …}."""
        return {"format": "lightning-scaling ladder", "version": 1, **asdict(self), "runs": [asdict(run) for run in self.runs]}


def next_runs(
    fit: SurfaceFit, budget: float, target_flops: float | None = None, count: int = 4, smallest: tuple[float, float] | None = None
) -> NextRuns:
    """At most `count` runs within `budget` FLOPs that make the loss at the target (compute-optimal at `target_flops`) known best.

    The target is ten times the budget by default, at the usual ratio of the runs where they leave the split open. No run has fewer params
    or tokens than `smallest` (N, D), by default a quarter of the fewest so far.

    Raises:
        ValueError: a fit without constants, or a budget that buys nothing.
    """
    if not np.isfinite(fit.alpha) or fit.outcome is SurfaceOutcome.NO_FALL:
        raise ValueError(f"next runs need a fitted law: {fit.outcome}")
    if not budget > 0:
        raise ValueError(f"the budget must be positive FLOPs, got {budget}")
    target = _target(fit, target_flops or 10 * budget)
    least = smallest or (fit.points.params.min() / 4, fit.points.tokens.min() / 4)
    candidates = _candidates(fit, budget, target, least)
    plans = [_greedy(fit, candidates, target, budget, runs) for runs in range(1, count + 1)]
    before, after, chosen = min(plans, key=lambda plan: plan[1])
    runs = sorted(chosen, key=lambda run: run.flops)
    return NextRuns(*target, float(budget), before, after, tuple(runs))


def _target(fit: SurfaceFit, flops: float) -> tuple[float, float]:
    """(params, tokens) of the optimum; at the usual ratio of the runs where they leave the split open."""
    if fit.split_determined:
        best = fit.optimum(flops)
        return float(best.params), float(best.tokens)
    ratio = float(np.exp(np.log(fit.points.tokens / fit.points.params).mean()))
    size = float(np.sqrt(flops / fit.flops_per / ratio))
    return size, ratio * size


def _candidates(fit: SurfaceFit, budget: float, target: tuple[float, float], least: tuple[float, float]) -> Floats:
    """(2, k) sizes and lengths from the least run up to the target, none beyond the budget or absurdly lopsided."""
    params, tokens = target
    sizes = np.geomspace(least[0], max(fit.points.params.max(), params), GRID)
    lengths = np.geomspace(least[1], max(fit.points.tokens.max(), tokens), GRID)
    grid = np.stack([v.ravel() for v in np.meshgrid(sizes, lengths)])
    usual = np.log(tokens / params)
    lopsided = np.abs(np.log(grid[1] / grid[0]) - usual) > np.log(LOPSIDED)
    affordable = training_flops(grid[0], grid[1]) <= budget
    if not (affordable & ~lopsided).any():
        raise ValueError(f"{budget:.3g} FLOPs buy no useful run: the smallest so far cost {fit.points.flops.min():.3g}")
    return np.asarray(grid[:, affordable & ~lopsided])


def _greedy(
    fit: SurfaceFit, candidates: Floats, target: tuple[float, float], budget: float, count: int
) -> tuple[float, float, list[NextRun]]:
    """Take, `count` times, the run within its share of the budget that lowers the variance at the target most."""
    everything = np.concatenate([np.stack([fit.points.params, fit.points.tokens]), candidates, np.array(target)[:, None]], 1)
    covariance = _condition(_covariance(fit, everything), len(fit.points), fit.noise**2)
    costs, left, chosen = training_flops(*candidates), budget, []
    before = float(np.sqrt(covariance[-1, -1]))
    for k in range(count, 0, -1):
        gains = covariance[:-1, -1] ** 2 / (np.diag(covariance)[:-1] + max(fit.noise, 1e-4) ** 2)
        best = int(np.argmax(np.where(costs <= left / k * 1.0000001, gains, -1.0)))
        if costs[best] > left / k * 1.0000001:
            break
        column = covariance[:, best] / np.sqrt(covariance[best, best] + max(fit.noise, 1e-4) ** 2)
        covariance = covariance - column[:, None] * column
        left -= costs[best]
        size, length = (int(v) for v in np.rint(candidates[:, best]))
        flops, error = training_flops(size, length), float(np.sqrt(max(covariance[-1, -1], 0.0)))
        chosen.append(NextRun(size, length, flops, pf_days(flops), error))
    return before, chosen[-1].error_after if chosen else before, chosen


def _covariance(fit: SurfaceFit, runs: Floats) -> Floats:
    """(k, k) prior covariance of ln loss at runs (2, k): what is open about the constants, plus the drift."""
    x, y = np.log(runs[0]) - np.log(fit.points.params).mean(), np.log(runs[1]) - np.log(fit.points.tokens).mean()
    slopes = sensitivities(centred_theta(fit.points, fit.surface)[0], x, y)
    return np.asarray((slopes * PRIOR) @ slopes.T + (DRIFT * max(fit.noise, 1e-4)) ** 2 * matern(x, y, x, y, REACH))


def _condition(covariance: Floats, seen: int, noise: float) -> Floats:
    """Covariance of the rest once the first `seen` runs are known."""
    inner = covariance[:seen, :seen] + max(noise, 1e-8) * np.eye(seen)
    cross = covariance[:seen, seen:]
    return np.asarray(covariance[seen:, seen:] - cross.T @ np.linalg.solve(inner, cross))


@dataclass(frozen=True)
class IdentifyingRun:
    """A run to train, the exponent it is for, and that exponent's standard error before and after."""

    params: int
    tokens: int
    exponent: str
    error_before: float
    error_after: float

    def __str__(self) -> str:
        return (
            f"a run of {count(self.params)} params on {count(self.tokens)} tokens would bring the standard error of {self.exponent} "
            f"from {self.error_before:.2g} to {self.error_after:.2g}"
        )


def identifying_run(fit: SurfaceFit) -> IdentifyingRun:
    """The run that lowers the error of the less certain exponent most. ValueError for a fit without constants.

    The errors are those of the linearised law, under the prior that a published exponent is off by no more than .10; noise falls with
    compute as in `predict_larger`, so tiny runs are no cheap way out.
    """
    if fit.outcome is SurfaceOutcome.TOO_FEW_POINTS:
        raise ValueError(f"there is no law to improve yet: {fit.outcome}")
    noise = max(fit.noise, 1e-3)
    theta, x, y = centred_theta(fit.points, fit.surface)
    slopes = sensitivities(theta, x, y)
    most = (x + y).max()
    covariance = np.linalg.inv(slopes.T @ (slopes / _variance(noise, x + y - most)[:, None]) + np.diag(1 / PRIOR))
    which = 3 if covariance[3, 3] >= covariance[4, 4] else 4
    u, v = (w.ravel() for w in np.meshgrid(_reach(x), _reach(y)))
    usual = (u + v <= most + 1e-9) & (v - u >= (y - x).min() - np.log(BEYOND)) & (v - u <= (y - x).max() + np.log(BEYOND))
    u, v = u[usual], v[usual]
    rows = sensitivities(theta, u, v)
    gains = (rows @ covariance[:, which]) ** 2 / (_variance(noise, u + v - most) + np.einsum("ri,ij,rj->r", rows, covariance, rows))
    best = int(np.argmax(gains))
    size, length = np.exp(u[best] + np.log(fit.points.params).mean()), np.exp(v[best] + np.log(fit.points.tokens).mean())
    before, after = covariance[which, which], covariance[which, which] - gains[best]
    errors = float(np.sqrt(before)), float(np.sqrt(max(after, 0.0)))
    return IdentifyingRun(int(np.rint(size)), int(np.rint(length)), ("alpha", "beta")[which - 3], *errors)


def _variance(noise: float, log_compute: Floats) -> Floats:
    """Of a run's ln loss, by its compute below the largest."""
    return np.asarray(noise**2 * np.exp(-0.5 * log_compute))


def _reach(logs: Floats) -> Floats:
    return np.asarray(np.linspace(logs.min() - np.log(BEYOND), logs.max() + np.log(BEYOND), FINER))
