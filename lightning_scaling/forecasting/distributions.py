"""Predictive distributions: a mixture of normals, and what a forecast ends with, a median with a scale of its own below and above it.

Losses that surprise do so on one side: a decay that is not known lowers them, over-fitting raises them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtr, stdtrit

from lightning_scaling.arrays import Floats

COARSE = np.sinh(np.linspace(-3, 3, 31))  # in standard deviations of the mixture
NEAR, CLOSE = 0.4, np.linspace(-1, 1, 7)  # reach about each quantile first found, in the same
TAILS = 4.0  # degrees of freedom: the errors of 22 sources of published runs, in units of their scale
NINETY = float(stdtrit(TAILS, 0.95))  # half a 90 % interval, in scales


@dataclass(frozen=True, eq=False)
class Mixture:
    """Args:
    weight: (k,) summing to one.
    mean, deviation: (k, m) of each normal at each of m places.
    """

    weight: Floats
    mean: Floats
    deviation: Floats

    def below(self, value: Floats) -> Floats:
        """(m, q) probability of ending below `value` (m, q)."""
        z = (value - self.mean[..., None]) / self.deviation[..., None]
        return np.asarray(np.tensordot(self.weight, ndtr(z), axes=1))

    def moments(self) -> tuple[Floats, Floats]:
        """(m,) mean and (m,) standard deviation."""
        centre = self.weight @ self.mean
        return centre, np.sqrt(self.weight @ ((self.mean - centre) ** 2 + self.deviation**2))

    def quantiles(self, shares: Floats) -> Floats:
        """(q, m) values below which the mixture falls with the given chances, read off its cumulative curve: coarsely, then closely."""
        centre, reach = self.moments()
        coarse = centre[:, None] + reach[:, None] * COARSE
        chance = self.below(coarse)
        found = np.array([[np.interp(q, c, v) for c, v in zip(chance, coarse, strict=True)] for q in shares])
        close = found.T[:, :, None] + (NEAR * reach)[:, None, None] * CLOSE
        chance = self.below(close.reshape(len(centre), -1)).reshape(close.shape)
        return np.array([[np.interp(q, c[i], v[i]) for c, v in zip(chance, close, strict=True)] for i, q in enumerate(shares)])

    def main(self, share: float = 1e-3) -> "Mixture":
        """The same without components of negligible weight."""
        keep = self.weight >= share * self.weight.max()
        return Mixture(self.weight[keep] / self.weight[keep].sum(), self.mean[keep], self.deviation[keep])

    def moved(self, shift: ArrayLike, scale: ArrayLike, extra: ArrayLike) -> "Mixture":
        """Moved by `shift`, drawn together about its centre by `scale`, and each normal widened by `extra` in quadrature."""
        centre, factor = self.weight @ self.mean, np.asarray(scale, dtype=np.float64)
        mean = centre + np.asarray(shift, dtype=np.float64) + factor * (self.mean - centre)
        return Mixture(self.weight, mean, np.hypot(factor * self.deviation, np.asarray(extra, dtype=np.float64)))


@dataclass(frozen=True, eq=False)
class SplitStudent:
    """Args:
    median, below, above: (m,) of the fitted loss at each place: the median, and the scales on its two sides.
    """

    median: Floats
    below: Floats
    above: Floats

    def quantile(self, share: float) -> Floats:
        """(m,) value below which the loss falls with the given chance.

        >>> SplitStudent(np.zeros(1), np.ones(1), 2 * np.ones(1)).quantile(0.95).round(2).tolist()
        [4.26]
        """
        z = float(stdtrit(TAILS, share))
        return np.asarray(self.median + z * (self.below if z < 0 else self.above))

    def chance_below(self, value: Floats) -> Floats:
        """(m,) or (q,) chance of a loss below `value`, broadcast against the places."""
        off = value - self.median
        return np.asarray(stdtr(TAILS, off / np.where(off < 0, self.below, self.above)))
