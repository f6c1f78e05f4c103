"""How far a run lies above its family at equal shares of the budget: r = ln L − expectation, at up to 40 looks.

The expectation at a share is a line in ln N through ln L of the siblings there. Its slope has the prior −.07 ± .06 per e-fold of N,
so that one or two siblings give a line too; near siblings count most. No final loss is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats
from lightning_scaling.run.curve import Curve

Indices = NDArray[np.intp]
LOOKS = 40  # over the token budget
FINER = 4  # bins of a sibling for each look
SLOPE, SLOPE_SPREAD = -0.07, 0.06  # of ln L in ln N
LAGS = (1, 2, 3)  # looks
NEAR, FAR = 0.01, 0.03  # spread of a sibling about the line, log loss: of the same size, and for each e-fold of size


@dataclass(frozen=True, eq=False)
class Residual:
    """Args:
    x: (n,) shares of the budget at the looks, rising.
    r: (n,) median log loss above the expectation at each.
    expectation: (n,) loss expected there.
    noise: standard deviation of one look.
    """

    x: Floats
    r: Floats
    expectation: Floats
    noise: float

    def __len__(self) -> int:
        return len(self.x)


def residual(curve: Curve, budget: float, siblings: Sequence[Curve], first: float) -> Residual:
    """The residual of `curve` about its siblings at every look from the share `first` on that holds a loss."""
    kept = np.isfinite(curve.loss) & (curve.loss > 0) & (curve.tokens >= first * budget)
    x, loss = curve.tokens[kept] / budget, np.log(curve.loss[kept])
    expected = _expected(np.log(x), curve.params, siblings)
    ends, (off, line) = _medians(x, LOOKS, loss - expected, expected)
    return Residual(ends, off, np.exp(line), _noise(off))


def _expected(at: Floats, params: int | None, siblings: Sequence[Curve]) -> Floats:
    """The line in ln N at every log share of `at`, read at `params`."""
    away = np.array([np.log(s.params / params) if s.params and params else 0.0 for s in siblings])
    level = np.array([_level(s, at) for s in siblings])
    weight = 1 / (NEAR**2 + (FAR * away) ** 2)
    centre, middle = (weight @ away) / weight.sum(), (weight @ level) / weight.sum()
    sure = weight @ (away - centre) ** 2 + 1 / SLOPE_SPREAD**2
    slope = ((weight * (away - centre)) @ (level - middle) + SLOPE / SLOPE_SPREAD**2) / sure
    return np.asarray(middle - slope * centre)


def _level(sibling: Curve, at: Floats) -> Floats:
    kept = np.isfinite(sibling.loss) & (sibling.loss > 0)
    x, loss = sibling.tokens[kept] / sibling.tokens[-1], np.log(sibling.loss[kept])
    _, (where, level) = _medians(x, FINER * LOOKS, np.log(x), loss)
    return np.interp(at, where, level)


def _medians(x: Floats, bins: int, *values: Floats) -> tuple[Floats, list[Floats]]:
    """The last x of each of the equal bins of the budget that holds one, and the medians of the values in it."""
    if not len(x):
        return x, [v[:0] for v in values]
    starts = np.flatnonzero(np.diff(np.ceil(x * bins - 1e-9), prepend=-1.0))
    size = int(np.diff(np.r_[starts, len(x)]).max())
    if size == 1:
        return x, list(values)
    index = starts[:, None] + np.arange(size)
    ends = np.r_[starts[1:], len(x)]
    outside, index = index >= ends[:, None], np.minimum(index, len(x) - 1)
    found = [row_medians(np.where(outside, np.inf, v[index]), ends - starts) for v in values]
    return x[ends - 1], found


def row_medians(rows: Floats, filled: Indices) -> Floats:
    """(n,) medians of the first `filled` values of each row, which are followed or preceded by inf."""
    ordered, row = np.sort(rows, axis=1), np.arange(len(rows))
    return np.asarray((ordered[row, (filled - 1) // 2] + ordered[row, filled // 2]) / 2)


def _noise(r: Floats) -> float:
    """Robust standard deviation of one look about the line through its neighbours, near or far: autocorrelated noise shows in far ones."""
    if len(r) < 5:
        return float("inf") if len(r) < 3 else float(np.std(np.diff(r)) / np.sqrt(2))
    off = [r[lag:-lag] - (r[: -2 * lag] + r[2 * lag :]) / 2 for lag in LAGS if len(r) >= 4 * lag + 1]
    return max(float(np.median(np.abs(each))) for each in off) / (0.6745 * float(np.sqrt(1.5)))
