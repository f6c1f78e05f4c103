"""The distribution a forecast ends with: a median, and a scale of its own below and above it, with the tails of Student's t.

Losses that surprise do so on one side: a decay that is not known lowers them, over-fitting raises them.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from lightning_scaling.arrays import Floats

TAILS = 4.0  # degrees of freedom: the errors of 22 sources of published runs, in units of their scale
NINETY = float(stdtrit(TAILS, 0.95))  # half a 90 % interval, in scales


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
