"""The few points of a curve that a forecast is made from: spikes masked, the rest averaged on a logarithmic grid, noise measured.

The cost of a forecast thus does not grow with the length of the run.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats, robust_spread
from lightning_scaling.run.curve import Curve

COARSE = 1024  # points after the first, even thinning
MOST = 16  # points read of one group
FINE = 64  # points after the second, logarithmic one
DIGITS = 4  # decimals; to a forecast losses with more are as good as exact
MOST_READ = 200  # points read for that
MOST_AWAY = 0.4  # share of the points
SPIKE = 6.0  # robust standard deviations above its neighbours


@dataclass(frozen=True, eq=False)
class CurvePoints:
    """Args:
    x: (n,) clock of each point (tokens, or steps).
    loss: (n,) average of the losses gathered in it.
    count: (n,) how many were gathered.
    noise: standard deviation of one logged loss about the curve.
    """

    x: Floats
    loss: Floats
    count: Floats
    noise: float

    def __len__(self) -> int:
        return len(self.x)


def thin(x: Floats, loss: Floats, gathered: int = 1, digit: float = 0.0) -> CurvePoints:
    """At most FINE logarithmic groups, spikes left out; each loss given is itself the average of `gathered` logged ones.

    Losses printed to a last `digit` are uncertain by half of it at least.
    """
    noise = max(scatter(loss), digit / 2 / np.sqrt(gathered))
    kept = ~(spikes(loss, noise) | excursions(loss, noise))
    x, loss = x[kept], loss[kept]
    group = _logarithmic(x)
    count = np.bincount(group).astype(np.float64)
    mean_x, mean_loss = np.bincount(group, x) / count, np.bincount(group, loss) / count
    return CurvePoints(mean_x, mean_loss, count * gathered, noise * np.sqrt(gathered))


def gather(curve: Curve) -> tuple[Curve, int]:
    """The finite points of a curve in even groups, about COARSE of them, and how many points each averages.

    Of a group at most MOST points are read, and of those the middle half is averaged: the cost does not grow with the length of the log.
    The oldest few points that fill no group are dropped, never the newest.
    """
    finite = np.isfinite(curve.loss)
    size = int(finite.sum()) // COARSE
    if size < 2:
        return (curve if finite.all() else curve.take(finite)), 1
    groups = np.flatnonzero(finite)[-(int(finite.sum()) // size * size) :].reshape(-1, size)
    read = min(size, MOST)
    groups = groups[:, np.linspace(0, size - 1, read).astype(int)]
    losses = np.sort(curve.loss[groups], axis=1)[:, read // 4 : read - read // 4]
    step = None if curve.step is None else curve.step[groups].mean(1)
    tokens = curve.tokens[groups].mean(1)
    return replace(curve, tokens=tokens, loss=losses.mean(1), step=step, averaged_loss=None), read


def scatter(loss: Floats) -> float:
    """Robust standard deviation of one point about the line through its neighbours (sqrt 1.5 times its noise)."""
    if len(loss) < 4:
        return 0.0
    off = loss[1:-1] - (loss[:-2] + loss[2:]) / 2
    late = off[-max(20, 3 * len(off) // 4) :]
    return float(robust_spread(late) / np.sqrt(1.5))


def resolution(loss: Floats, most: int = DIGITS) -> float:
    """The last digit that the losses were printed with, 0 where they have more than `most` decimals.

    >>> resolution(np.array([2.31, 2.3, 2.28, 2.27])), resolution(np.array([2.3124871, 2.1]))
    (0.01, 0.0)
    """
    read = loss[np.linspace(0, len(loss) - 1, min(len(loss), MOST_READ)).astype(int)]
    if read.min() == read.max():
        return 0.0  # one value shows no digit
    for digits in range(most + 1):
        scaled = read * 10.0**digits
        if np.abs(scaled - np.round(scaled)).max() < 1e-6 * max(1.0, float(np.abs(scaled).max()) * 1e-6):
            return float(10.0**-digits)
    return 0.0


def spikes(loss: Floats, noise: float) -> NDArray[np.bool_]:
    """Points far above the median of their seven neighbours; a loss that stays up is no spike."""
    if len(loss) < 7:
        return np.zeros(len(loss), dtype=bool)
    around = np.lib.stride_tricks.sliding_window_view(np.concatenate((loss[3:0:-1], loss, loss[-2:-5:-1])), 7)
    above: NDArray[np.bool_] = loss - np.sort(around, axis=1)[:, 3] > SPIKE * noise + 1e-12 * np.abs(loss)
    return above


def excursions(loss: Floats, noise: float) -> NDArray[np.bool_]:
    """Points far above a level that had been reached before and is reached again: a spike that takes long to heal, however long.

    A loss that has not returned yet is none, and neither is one that rises and returns most of the time (restarts of the rate).
    """
    if len(loss) < 7:
        return np.zeros(len(loss), dtype=bool)
    smooth = np.sort(np.lib.stride_tricks.sliding_window_view(np.concatenate((loss[:1], loss, loss[-1:])), 3), axis=1)[:, 1]
    before = np.minimum.accumulate(np.r_[np.inf, smooth[:-1]])
    after = np.minimum.accumulate(smooth[::-1])[::-1]
    above: NDArray[np.bool_] = (loss > before + SPIKE * noise + 1e-12 * np.abs(loss)) & (after <= before)
    return above if above.mean() < MOST_AWAY else np.zeros(len(loss), dtype=bool)


def _logarithmic(x: Floats) -> NDArray[np.intp]:
    """Group number of each point, consecutive from 0: equal steps in log x, coarser where points are sparse."""
    if len(x) <= FINE:
        return np.arange(len(x))
    if x[-1] <= x[0]:  # a rate of zero: effective time does not move
        return np.arange(len(x)) * FINE // len(x)
    number = np.floor(np.log(x / x[0]) / np.log(x[-1] / x[0]) * (FINE - 1) + 0.5).astype(int)
    return np.unique(number, return_inverse=True)[1]
