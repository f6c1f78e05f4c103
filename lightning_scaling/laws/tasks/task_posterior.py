"""All laws of a score over loss that fit the runs, weighed by how well: a grid that is narrowed to where the weight is.

The variance of the noise is integrated out: a law's weight is its squared misfit to the power −runs/2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lightning_scaling.arrays import Floats

# A thousand questions have a standard error of 1.0 to 1.6 points; worth two runs of evidence about the noise.
NOISE, NOISE_WEIGHT = 0.01, 2.0
# Past the losses seen a score departs from the sigmoid: by this deviation at one span of the losses, growing with the distance. Scores of
# five tasks of the OLMo ladder, fitted on the smaller half, three quarters or all of it, lie inside in .85 with it and in .84 without.
DRIFT = 0.06
# Few tasks end below 1 by more than this: the prior of the ceiling is exponential in its distance from 1. (A ceiling anywhere between the
# best run and 1 put all five tasks of the OLMo ladder too low at 200 times its compute.)
BELOW_ONE = 0.1
# Values of steepness, midpoint, ceiling and floor at once, and how often the grid is narrowed.
STEPS, ROUNDS = (25, 31, 9, 5), 4
# Steepness times the span of the losses, and midpoints in spans from their middle.
STEEPEST, FLATTEST, MIDPOINTS = 60.0, 0.2, (-4.0, 2.0)
# Laws whose weight is this share of the heaviest are left out; at most so many are kept.
NEGLIGIBLE, MOST = 1e-4, 1000
# Quantiles of the loss and of the noise that a prediction mixes.
LOSSES, DEVIATES = 15, 11


@dataclass(frozen=True, eq=False)
class TaskPosterior:
    """Laws with their weight (s,) and variance of the noise (s,); `curves(loss)` gives their scores (s, m).

    `squares` is the least sum of squared misfits, `floor` the mean floor, `ends` the lowest and highest loss seen.
    """

    weight: Floats
    variance: Floats
    curves: Callable[[Floats], Floats]
    squares: float
    floor: float
    ends: tuple[float, float]
    drift: float = 0.0

    @property
    def spread(self) -> float:
        """Standard deviation of a run about its law."""
        return float(np.sqrt(self.weight @ self.variance))

    def mean(self, loss: Floats) -> Floats:
        """(m,) mean score over the laws."""
        return np.asarray(self.weight @ self.curves(loss))

    def predict(self, loss: Floats, low: Floats, high: Floats, level: float) -> tuple[Floats, Floats, Floats]:
        """(m,) score and interval of new runs whose loss has the interval low to high at `level`, its two sides apart."""
        if not len(loss):
            return loss, loss, loss
        answers = [self._one(*ends, level) for ends in zip(loss, low, high, strict=True)]
        return tuple(np.array(column) for column in zip(*answers, strict=True))  # type: ignore[return-value]

    def _one(self, loss: float, low: float, high: float, level: float) -> tuple[float, float, float]:
        from scipy.special import ndtri

        if not np.isfinite(loss):
            return float("nan"), float("nan"), float("nan")
        reach = float(ndtri((1 + level) / 2))
        if low == high:
            places = np.array([loss])
        else:
            z = ndtri((np.arange(LOSSES) + 0.5) / LOSSES) / reach
            places = loss + np.where(z < 0, z * (loss - low), z * (high - loss))
        noise = ndtri((np.arange(DEVIATES) + 0.5) / DEVIATES)
        past = np.maximum(np.maximum(self.ends[0] - places, places - self.ends[1]), 0) / (self.ends[1] - self.ends[0])
        deviation = np.sqrt(self.variance[:, None] + (self.drift * past) ** 2)
        scores = self.curves(places)[:, :, None] + deviation[:, :, None] * noise
        share = np.broadcast_to(self.weight[:, None, None] / (len(places) * DEVIATES), scores.shape).ravel()
        order = np.argsort(scores, axis=None)
        ranked, total = scores.ravel()[order], np.cumsum(share[order])
        edges = np.interp([0.5, (1 - level) / 2, (1 + level) / 2], total, ranked)
        return float(edges[0]), float(edges[1]), float(edges[2])


def sigmoid_posterior(x: Floats, y: Floats, weight: Floats, floor: float) -> TaskPosterior:
    """Laws floor + (ceiling − floor)·sigmoid(steepness·(midpoint − loss)), whose floor is `floor` (0 where NaN) or above."""
    middle, span = 0.5 * (x.min() + x.max()), float(np.ptp(x))
    axes = _first_axes(y, floor)
    for _ in range(ROUNDS):
        theta, log_weight, squares = _weighed((x - middle) / span, y, weight, axes)
        axes = [_narrowed(axis, theta[:, i], log_weight) for i, axis in enumerate(axes)]
    theta, log_weight, squares = _weighed((x - middle) / span, y, weight, axes)
    kept = np.argsort(-log_weight)[:MOST]
    kept = kept[log_weight[kept] > log_weight.max() + np.log(NEGLIGIBLE)]
    theta, share = theta[kept], np.exp(log_weight[kept] - log_weight.max())
    share /= share.sum()
    freedom = max(weight.sum() + NOISE_WEIGHT - len(_free(axes)), 1.0)
    variance = (squares[kept] + NOISE_WEIGHT * NOISE**2) / freedom
    ends, mean_floor = (float(x.min()), float(x.max())), float(share @ theta[:, 3])
    return TaskPosterior(share, variance, lambda at: _sigmoid(theta, (at - middle) / span), float(squares.min()), mean_floor, ends, DRIFT)


def _first_axes(y: Floats, floor: float) -> list[Floats]:
    top, bottom = float(y.max()), float(y.min())
    lowest = floor if np.isfinite(floor) else 0.0
    return [
        np.linspace(np.log(FLATTEST), np.log(STEEPEST), STEPS[0]),
        np.linspace(*MIDPOINTS, STEPS[1]),
        np.linspace(min(top, 1 - 1e-6), 1.0, STEPS[2]),
        np.linspace(lowest, max(lowest, bottom), STEPS[3]),
    ]


def _free(axes: list[Floats]) -> list[int]:
    return [i for i, axis in enumerate(axes) if len(axis) > 1]


def _sigmoid(theta: Floats, t: Floats) -> Floats:
    """(s, n) scores of laws theta (s, 4) = ln steepness, midpoint, ceiling, floor at places t (n,) in spans."""
    from scipy.special import expit

    rise = expit(np.exp(theta[:, :1]) * (theta[:, 1:2] - t))
    return np.asarray(theta[:, 3:] + (theta[:, 2:3] - theta[:, 3:]) * rise)


def _weighed(t: Floats, y: Floats, weight: Floats, axes: list[Floats]) -> tuple[Floats, Floats, Floats]:
    """Every law on the grid (s, 4), its log weight and its weighted squares."""
    theta = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    rows = range(0, len(theta), 4096)
    squares = np.concatenate([(y - _sigmoid(theta[i : i + 4096], t)) ** 2 @ weight for i in rows])
    log_weight = -0.5 * (weight.sum() + NOISE_WEIGHT) * np.log(squares + NOISE_WEIGHT * NOISE**2)
    return theta, log_weight - (1 - theta[:, 2]) / BELOW_ONE, squares


def _narrowed(axis: Floats, values: Floats, log_weight: Floats) -> Floats:
    """The axis cut to the laws that count, one step wider on both sides."""
    if len(axis) == 1:
        return axis
    counts = values[log_weight > log_weight.max() + np.log(NEGLIGIBLE)]
    step = max(b - a for a, b in pairwise(axis))
    return np.linspace(max(counts.min() - step, axis[0]), min(counts.max() + step, axis[-1]), len(axis))


def line_posterior(x: Floats, y: Floats, weight: Floats) -> TaskPosterior:
    """Lines score = level + slope·loss: quantiles of their Student's t distribution at each loss, as laws of equal weight."""
    from scipy.special import stdtrit

    design = np.stack([np.ones_like(x), x - x.mean()], axis=1)
    inverse = np.linalg.inv(design.T @ (design * weight[:, None]))
    found = inverse @ (design.T @ (weight * y))
    squares = float(weight @ (y - design @ found) ** 2)
    freedom = max(float(weight.sum()) - 2, 1.0)
    variance = squares / freedom
    t = stdtrit(freedom, (np.arange(99) + 0.5) / 99)

    def curves(at: Floats) -> Floats:
        rows = np.stack([np.ones_like(at), at - x.mean()], axis=1)
        error = np.sqrt(variance * np.einsum("ij,jk,ik->i", rows, inverse, rows))
        return np.asarray(rows @ found + t[:, None] * error)

    return TaskPosterior(np.full(99, 1 / 99), np.full(99, variance), curves, squares, float("nan"), (float(x.min()), float(x.max())))
