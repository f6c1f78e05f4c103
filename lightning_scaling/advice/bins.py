"""A curve in at most a hundred equal bins of its token budget: judged by compute, not by the number of validations.

The bins are those of the budget, so they do not shift while the run grows; each is the median of the losses in it, so a spike of a few
evaluations does not show. However many losses were logged, the cost is the same.
"""

from dataclasses import dataclass, replace

import numpy as np

from lightning_scaling.arrays import Floats, robust_spread
from lightning_scaling.forecasting.curve_points import resolution
from lightning_scaling.run.curve import Curve

COUNT = 100
PRINTED = 6  # digits after the point up to which losses count as rounded
WIDTHS = (2, 4, 8)  # bins averaged to see autocorrelated noise: on real runs up to five times that of one bin
TRANSIENT = 1 / 3  # of the bins seen, left out of the noise: the early fall bends too much


@dataclass(frozen=True, eq=False)
class Bins:
    """Medians of a curve over equal shares of its token budget.

    Args:
        tokens: (n,) tokens at the end of each bin.
        loss: (n,) median loss of each.
        smooth: (n,) median of each with its two neighbours.
        noise: standard deviation of one bin's loss about the trend, in the loss's unit.
        correlated_noise: the same, such that means of n bins have errors of correlated_noise/√n: larger where noise is autocorrelated.
        budget: tokens of the whole run.
    """

    tokens: Floats
    loss: Floats
    smooth: Floats
    noise: float
    correlated_noise: float
    budget: float

    def __len__(self) -> int:
        return len(self.tokens)

    def until(self, tokens: float) -> "Bins":
        """The bins that ended by `tokens`, with the noise of all."""
        kept = self.tokens <= tokens
        return replace(self, tokens=self.tokens[kept], loss=self.loss[kept], smooth=self.smooth[kept])

    @property
    def best(self) -> int:
        """Index of the lowest smoothed loss before the last bin."""
        return int(np.argmin(self.smooth[:-1])) if len(self) > 1 else 0


def binned(curve: Curve, budget: float) -> Bins:
    """The finite losses of `curve`, gathered by equal shares of `budget` tokens.

    >>> bins = binned(Curve(range(1, 1001), [1.0] * 1000), budget=2000)
    >>> len(bins), bins.noise
    (50, 0.0)
    """
    finite = np.isfinite(curve.loss)
    tokens, loss = curve.tokens[finite], curve.loss[finite]
    index = np.ceil(tokens / budget * COUNT - 1e-9)
    starts = np.flatnonzero(np.diff(index, prepend=-1.0))
    groups = np.split(loss, starts[1:])
    middle = np.array([np.median(g) for g in groups if len(g)])
    ends = tokens[np.r_[starts[1:], len(tokens)] - 1] if len(tokens) else tokens
    least = half_digit(loss)
    found = max(noise(middle), least), max(correlated_noise(middle), least)
    return Bins(ends, middle, _neighbours(middle), *found, budget)


def half_digit(loss: Floats) -> float:
    """Half of the last digit that was printed: what is not printed counts as noise; 0 for losses of full precision.

    >>> half_digit(np.array([0.0021, 0.0003, 0.0001])), half_digit(np.array([1 / 3, 2 / 3, 0.1]))
    (5e-05, 0.0)
    """
    return 0.0 if len(np.unique(loss)) < 3 else resolution(loss, PRINTED) / 2


def noise(loss: Floats) -> float:
    """Robust standard deviation about a curved trend: third differences of neighbours or of every other bin, whichever is more.

    The second lag catches autocorrelated noise, which neighbours share.
    """
    late = _late(loss)
    return max(_third_difference(late, 1), _third_difference(late, 2))


def correlated_noise(loss: Floats) -> float:
    """The noise that means of several bins show, as that of one: autocorrelated noise does not average out. Never below `noise`."""
    late, found = _late(loss), noise(loss)
    for width in WIDTHS:
        means = np.convolve(late, np.full(width, 1 / width), mode="valid") if len(late) >= width else late[:0]
        found = max(found, _third_difference(means, width, 2 * width) * width**0.5)
    return found


def _late(loss: Floats) -> Floats:
    return loss[int(len(loss) * TRANSIENT) :] if len(loss) >= 18 else loss[-12:]


def _third_difference(loss: Floats, lag: int, fewest: int = 3) -> float:
    if len(loss) < 3 * lag + fewest:
        return 0.0
    third = loss[3 * lag :] - 3 * loss[2 * lag : -lag] + 3 * loss[lag : -2 * lag] - loss[: -3 * lag]
    return float(robust_spread(third) / np.sqrt(20))


def _neighbours(loss: Floats) -> Floats:
    if not len(loss):
        return loss
    wide = np.r_[loss[:1], loss, loss[-1:]]
    return np.asarray(np.median(np.c_[wide[:-2], wide[1:-1], wide[2:]], axis=1))
