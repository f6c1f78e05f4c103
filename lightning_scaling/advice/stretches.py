"""A curve in at most a hundred equal stretches of its plan: what a judgement by compute, not by number of checks, is made on.

The stretches are those of the plan, so they do not shift while the run grows; each is the median of the losses in it, so a spike of a
few evaluations does not show. However many losses were logged, the cost is the same.
"""

from dataclasses import dataclass

import numpy as np

from lightning_scaling.arrays import Floats, robust_spread
from lightning_scaling.run.curve import Curve

COUNT = 100
WIDTHS = (2, 4, 8)  # stretches averaged to see slow noise: of real runs up to five times that of one
TRANSIENT = 1 / 3  # of the stretches seen, left out of the noise: the early fall bends too much


@dataclass(frozen=True, eq=False)
class Stretches:
    """Args:
    tokens: (n,) tokens at the end of each stretch.
    loss: (n,) median loss of each.
    smooth: (n,) median of each with its two neighbours.
    noise: standard deviation of one stretch's loss about the trend, in the loss's unit.
    wander: the same, so that means of n stretches have errors of wander/√n: more than noise where neighbours err together.
    planned: tokens of the whole plan.
    """

    tokens: Floats
    loss: Floats
    smooth: Floats
    noise: float
    wander: float
    planned: float

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def best(self) -> int:
        """Index of the lowest smoothed loss before the last stretch."""
        return int(np.argmin(self.smooth[:-1])) if len(self) > 1 else 0


def stretches(curve: Curve, planned: float, count: int = COUNT) -> Stretches:
    """The finite losses of `curve`, gathered by equal shares of `planned` tokens.

    >>> s = stretches(Curve(range(1, 1001), [1.0] * 1000), planned=2000)
    >>> len(s), s.noise
    (50, 0.0)
    """
    finite = np.isfinite(curve.loss)
    tokens, loss = curve.tokens[finite], curve.loss[finite]
    number = np.ceil(tokens / planned * count - 1e-9)
    starts = np.flatnonzero(np.diff(number, prepend=-1.0))
    groups = np.split(loss, starts[1:])
    middle = np.array([np.median(g) for g in groups if len(g)])
    ends = tokens[np.r_[starts[1:], len(tokens)] - 1] if len(tokens) else tokens
    return Stretches(ends, middle, _neighbours(middle), noise(middle), wander(middle), planned)


def noise(loss: Floats) -> float:
    """Robust standard deviation about a trend that may bend: third differences, of neighbours or of every other stretch, whichever is more.

    The second lag catches noise that wanders slowly, which neighbours share.
    """
    late = _late(loss)
    return max(_third_difference(late, 1), _third_difference(late, 2))


def wander(loss: Floats) -> float:
    """The noise that means of several stretches show, as that of one: what errs slowly does not average out. Never below `noise`."""
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
