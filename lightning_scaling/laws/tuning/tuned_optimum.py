"""The best learning rate and batch size of one (N, D), from runs that swept them: a local quadratic in (ln rate, ln batch).

Loss over rate and batch is convex with a broad minimum (Li et al. 2025, arXiv 2503.04715) and steeper where the rate is too high, so runs
count the less the farther their loss lies above the best one. A sweep that ends before its minimum gives a bound instead of an optimum.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats

Side = Literal["", "low", "high"]
# Relative excess over the best loss at which a run counts half. Of .003 to .04 this gave the most regular optima on 17 published sweeps.
NEAR = 0.01
# Runs beyond the coefficients of the quadratic, so that its noise is known.
SPARE = 2
# A sweep encloses its best run where the fitted loss rises by this share towards both ends: nearer to an end the quadratic leans inwards.
LEAST_RISE = 0.001
# Two logs nearer than this are one value.
SLACK = 1e-6
# Weighted runs beyond the coefficients are never counted below this.
LEAST_FREEDOM = 1.0


@dataclass(frozen=True)
class TunedOptimum:
    """What one sweep says of its best run.

    Args:
        params, tokens, runs: N, D and how many runs with a loss the sweep has.
        learning_rate, batch_tokens, loss: at the minimum of the quadratic; an edge of the sweep where the minimum lies beyond it.
        rate_error, batch_error: standard errors of their logarithms; NaN for a value that was not swept, and where either is a bound.
        rate_side, batch_side: "low" or "high" where the best value lies below or above everything swept, so that it is a bound.
        reason: why there is no optimum, empty where there is one or a bound.
    """

    params: float
    tokens: float
    runs: int
    learning_rate: float
    batch_tokens: float
    loss: float
    rate_error: float = float("nan")
    batch_error: float = float("nan")
    rate_side: Side = ""
    batch_side: Side = ""
    reason: str = ""

    @property
    def enclosed(self) -> bool:
        """Whether the sweep reaches past its best run on both sides of everything it swept."""
        return not (self.reason or self.rate_side or self.batch_side)


def tuned_optimum(params: float, tokens: float, rate: Floats, batch: Floats, loss: Floats) -> TunedOptimum:
    """The optimum of the runs of one (N, D): rate, batch (tokens) and loss are (n,), positive and finite."""
    best = int(np.argmin(loss))
    lowest = TunedOptimum(params, tokens, len(loss), float(rate[best]), float(batch[best]), float(loss[best]))
    z = np.stack([np.log(rate / rate[best]), np.log(batch / batch[best])], axis=1)
    swept = np.array([len(np.unique(np.round(column / SLACK))) >= 3 for column in z.T])
    if not swept.any():
        return replace(lowest, reason="neither the rate nor the batch took three values")
    if len(loss) < (needed := _coefficients(int(swept.sum())) + SPARE):
        return replace(lowest, reason=f"{len(loss)} runs, the quadratic needs {needed}")
    return _minimum(lowest, z[:, swept], np.log(loss / loss[best]), np.flatnonzero(swept))


def _coefficients(swept: int) -> int:
    return 1 + swept + swept * (swept + 1) // 2


def _minimum(lowest: TunedOptimum, z: Floats, excess: Floats, swept: NDArray[np.intp]) -> TunedOptimum:
    """The minimum of the quadratic in z (n, k), whose origin is the lowest run."""
    fit = _quadratic(z, excess)
    low, high = z.min(0), z.max(0)
    if np.linalg.eigvalsh(fit.curvature).min() <= 0:
        place = z[int(np.argmin(fit.fitted))]
        sides = _sides(place, low + SLACK, high - SLACK)
        if not any(sides):
            return replace(lowest, reason="the runs show no minimum: their noise exceeds what rate and batch change")
        return _placed(lowest, place, np.full(len(place), np.nan), sides, fit.level, swept)
    free = np.asarray(-np.linalg.solve(fit.curvature, fit.slope), dtype=np.float64)
    margin = np.sqrt(2 * LEAST_RISE * np.diag(np.linalg.inv(fit.curvature)))
    at_end = _sides(np.zeros_like(low), low + SLACK, high - SLACK)  # of the lowest run
    sides = [end or side for end, side in zip(at_end, _sides(free, low + margin, high - margin), strict=True)]
    place = _within(fit, np.clip(free, low, high), sides, low, high)
    error = np.full(len(place), np.nan) if any(sides) else fit.errors(free)
    value = fit.level + fit.slope @ place + 0.5 * place @ fit.curvature @ place
    return _placed(lowest, place, error, sides, float(value), swept)


def _within(fit: "_Quadratic", place: Floats, sides: list[Side], low: Floats, high: Floats) -> Floats:
    """The minimum with what is a bound held there; the other value moves with it."""
    held = np.array([bool(side) for side in sides])
    if held.sum() != 1 or len(held) != 2:
        return place
    i, j = int(np.argmin(held)), int(np.argmax(held))
    best = -(fit.slope[i] + fit.curvature[i, j] * place[j]) / fit.curvature[i, i]
    place[i] = np.clip(best, low[i], high[i])
    return place


def _sides(place: Floats, low: Floats, high: Floats) -> list[Side]:
    return ["low" if p < a else "high" if p > b else "" for p, a, b in zip(place, low, high, strict=True)]


def _placed(lowest: TunedOptimum, place: Floats, error: Floats, sides: list[Side], excess: float, swept: NDArray[np.intp]) -> TunedOptimum:
    values, errors = [lowest.learning_rate, lowest.batch_tokens], [float("nan")] * 2
    ends: list[Side] = ["", ""]
    for where, p, e, side in zip(swept.tolist(), place, error, sides, strict=True):
        values[where], errors[where], ends[where] = values[where] * float(np.exp(p)), float(e), side
    loss = lowest.loss * float(np.exp(excess))
    placed = replace(lowest, learning_rate=values[0], batch_tokens=values[1], loss=loss)
    return replace(placed, rate_error=errors[0], batch_error=errors[1], rate_side=ends[0], batch_side=ends[1])


@dataclass(frozen=True, eq=False)
class _Quadratic:
    """level + slope·z + z·curvature·z/2, with the covariance of its coefficients (level, slope, upper triangle of the curvature)."""

    level: float
    slope: Floats
    curvature: Floats
    covariance: Floats
    fitted: Floats

    def errors(self, place: Floats) -> Floats:
        """(k,) standard errors of the minimum at `place`, by the delta method."""
        k = len(place)
        rows, columns = np.triu_indices(k)
        moved = np.zeros((k, len(rows)))
        for i, (r, c) in enumerate(zip(rows, columns, strict=True)):
            moved[r, i] += place[c]
            moved[c, i] += place[r] if r != c else 0.0
        jacobian = -np.linalg.solve(self.curvature, np.hstack([np.zeros((k, 1)), np.eye(k), moved]))
        return np.asarray(np.sqrt(np.einsum("ij,jk,ik->i", jacobian, self.covariance, jacobian)))


def _quadratic(z: Floats, excess: Floats) -> _Quadratic:
    k = z.shape[1]
    rows, columns = np.triu_indices(k)
    products = z[:, rows] * z[:, columns] * np.where(rows == columns, 0.5, 1.0)
    design = np.hstack([np.ones((len(z), 1)), z, products])
    weight = 1 / (1 + (excess / NEAR) ** 2)
    root = np.sqrt(weight)[:, None]
    found = np.linalg.lstsq(design * root, excess * root[:, 0], rcond=None)[0]
    fitted = design @ found
    freedom = max(float(weight.sum()) - design.shape[1], LEAST_FREEDOM)
    noise = float(weight @ (excess - fitted) ** 2) / freedom
    curvature = np.zeros((k, k))
    curvature[rows, columns] = curvature[columns, rows] = found[1 + k :]
    covariance = noise * np.linalg.pinv((design * weight[:, None]).T @ design)
    return _Quadratic(float(found[0]), found[1 : 1 + k], curvature, covariance, fitted)
