"""What finished runs show of annealing in their family: how much the fall of the rate takes off the loss, and how fast.

A finished run is solved on the same grid of laws, over its whole curve, its clock at 1 at the same share of its length. The posterior
is its annealing estimate. Several are pooled into one prior, a line in the logarithms of drop and slope: between families the drop hardly
goes with the slope, but within one it goes with more than the slope (powers 1.5 to 2.8 over the sizes of two published families).
Transferring the exponents of finished runs as well was tried and left out: a family's runs differ in them as much as the prior is wide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.forecasting.grid import EXPONENTS, Grid, solve, weigh
from lightning_scaling.forecasting.observed import Observed
from lightning_scaling.forecasting.prior import FLATTEST, Prior

FINER = np.geomspace(0.05, 15.0, 40)  # strengths of annealing tried on a finished run, which separates them well
DROP = 0.16  # deviation of the log drop among runs that are alike
POWER, POWER_SPREAD = 2.0, 1.0  # of the drop in the slope, within a family: a line through two or more estimates may give another
REACH = 0.16  # log slope: beyond that a line of drops is not continued; .25 cost .03 in log score plus error, 1 far more on steep curves
TAILS = 6.0  # degrees of freedom: a run may be unlike its family
EVEN = 0.2  # odds of a speed that the estimates hold impossible


@dataclass(frozen=True, eq=False)
class AnnealingEstimate:
    """Args:
    slope: log fall per e-fold of effective time at the clock's 1.
    drop: (2, j) mean and variance of the log of a full annealing's drop, under each speed.
    speed: (j,) chance of each speed.
    unlike: variance to add for how unlike the run in question is.
    """

    slope: float
    drop: Floats
    speed: Floats
    unlike: float


def estimate_annealing(whole: Observed, prior: Prior, unlike: float = 0.0) -> AnnealingEstimate | None:
    """The estimate of a finished run, None where its rate never fell; its drop is taken as it was, without a prior."""
    grid = solve(whole, FINER)
    if len(grid.kappas) == 1:
        return None
    weight = weigh(grid.evidence + prior.exponent(EXPONENTS, grid.slope))
    slope = np.log(np.maximum(grid.slope, FLATTEST))
    drop, over = np.log(grid.kappas) + slope, (0, 1, 3)
    speed = np.maximum(weight.sum(over), 1e-12)
    mean = (weight * drop).sum(over) / speed
    variance = (weight * (drop - mean[:, None]) ** 2).sum(over) / speed
    return AnnealingEstimate(float((weight * slope).sum()), np.array([mean, variance]), speed, unlike)


@dataclass(frozen=True, eq=False)
class FamilyPrior:
    """The estimates of finished runs, at least one, as one prior of a further run."""

    estimates: Sequence[AnnealingEstimate]

    def chance(self, grid: Grid) -> Floats:
        """Log chance of each law, up to a constant; 0 for laws without annealing."""
        if len(grid.kappas) == 1:
            return np.zeros(1)
        slope = np.log(np.maximum(grid.slope, FLATTEST))
        return self.drop(np.log(grid.kappas) + slope, slope) + self.speed()[:, None]

    def drop(self, drop: Floats, slope: Floats) -> Floats:
        """Log chance of log drops (…, j, k) of laws of that log slope, under a line fitted for each speed on its own."""
        mean, variance = np.array([each.drop for each in self.estimates]).transpose(1, 0, 2)
        there, unlike = np.array([(each.slope, each.unlike) for each in self.estimates]).T[..., None]
        weight = 1 / (variance + DROP**2 + unlike)
        total = weight.sum(0)
        centre, middle = (weight * there).sum(0) / total, (weight * mean).sum(0) / total
        sure = (weight * (there - centre) ** 2).sum(0) + 1 / POWER_SPREAD**2
        power = ((weight * (there - centre) * (mean - middle)).sum(0) + POWER / POWER_SPREAD**2) / sure
        away = np.clip(slope - centre[:, None], -REACH, REACH)
        off = drop - middle[:, None] - power[:, None] * away
        spread = 1 / total[:, None] + away**2 / sure[:, None] + DROP**2
        return np.asarray(-(TAILS + 1) / 2 * np.log1p(off**2 / spread / TAILS) - np.log(spread) / 2)

    def speed(self) -> Floats:
        """(j,) log chance of each speed of response."""
        chances = np.log(np.array([each.speed for each in self.estimates]) + EVEN)
        return np.asarray(chances.sum(0) / np.sqrt(len(chances)))
