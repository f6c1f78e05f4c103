"""What finished runs say of the constants that a family shares: the exponent of its loss, and how much and how fast annealing pays out.

A finished run is solved on the same grid of laws, over its whole curve, its clock standing at 1 at the same share of its length. What is
then likely is its lesson. Several lessons are pooled into one belief: the exponent by its weighted mean, the drop by a line in the logarithms of
drop and slope, since within a family the drop goes with more than the slope (powers 1.5 to 2.8 over the sizes of two published families).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.forecasting.grid import EXPONENTS, Grid, solve, weigh
from lightning_scaling.forecasting.prior import FLATTEST, Prior
from lightning_scaling.forecasting.seen import Seen

Floats = NDArray[np.float64]

FINER = np.geomspace(0.05, 15.0, 60)  # strengths of annealing tried on a finished run, which tells them well apart
EXPONENT, DROP = 0.3, 0.15  # deviations of log exponent and log drop among runs that are alike
POWER, POWER_SPREAD = 2.0, 0.7  # of the drop in the slope, within a family: a line through two or more lessons may say otherwise
REACH = 0.35  # log slope: beyond that a line of drops is not continued
TAILS = 6.0  # degrees of freedom: a run may be unlike its family
EVEN = 0.1  # odds of a speed that the lessons hold impossible


@dataclass(frozen=True, eq=False)
class Lesson:
    """Args:
    exponent: mean and variance of the log of alpha + b.
    slope: log fall per e-fold of travel at the clock's 1.
    drop: (2, j) mean and variance of the log of a full annealing's drop, under each speed; None where the rate never fell.
    speed: (j,) chance of each speed.
    unlike: variance to add for how unlike the run in question is.
    """

    exponent: tuple[float, float]
    slope: float
    drop: Floats | None
    speed: Floats
    unlike: float


def lesson(whole: Seen, prior: Prior, unlike: float = 0.0) -> Lesson:
    """What a finished run teaches; its drop is taken as it was, without a prior."""
    grid = solve(whole, FINER)
    weight = weigh(grid.evidence + prior.exponent(EXPONENTS, grid.slope))
    slope = np.log(np.maximum(grid.slope, FLATTEST))
    mean, variance = _moments(np.log(EXPONENTS + np.exp(slope)), weight, (0, 1, 2, 3))
    drop = np.array(_moments(np.log(grid.kappas) + slope, weight, (0, 1, 3))) if len(grid.kappas) > 1 else None
    return Lesson((float(mean), float(variance)), float((weight * slope).sum()), drop, weight.sum((0, 1, 3)), unlike)


def _moments(value: Floats, weight: Floats, over: tuple[int, ...]) -> tuple[Floats, Floats]:
    total = np.maximum(weight.sum(over, keepdims=True), 1e-12)
    mean = (weight * value).sum(over, keepdims=True) / total
    variance = (weight * (value - mean) ** 2).sum(over, keepdims=True) / total
    return np.squeeze(mean, over), np.squeeze(variance, over)


@dataclass(frozen=True, eq=False)
class Family:
    """The lessons of finished runs, as one belief about a further one."""

    lessons: Sequence[Lesson]

    @property
    def annealed(self) -> list[Lesson]:
        """Those whose rate fell."""
        return [each for each in self.lessons if each.drop is not None]

    def chance(self, grid: Grid) -> Floats:
        """Log chance of each law, up to a constant."""
        slope = np.log(np.maximum(grid.slope, FLATTEST))
        chance = self._exponent(np.log(EXPONENTS + np.exp(slope)))
        if len(grid.kappas) > 1 and self.annealed:
            chance = chance + self._drop(np.log(grid.kappas) + slope, slope) + self._speed()[:, None]
        return chance

    def _exponent(self, value: Floats) -> Floats:
        mean, variance = np.array([each.exponent for each in self.lessons]).T
        weight = 1 / (variance + EXPONENT**2 + np.array([each.unlike for each in self.lessons]))
        return _student(value - (weight * mean).sum() / weight.sum(), 1 / weight.sum() + EXPONENT**2)

    def _drop(self, value: Floats, slope: Floats) -> Floats:
        """Chance of log drops under a line in the log slope, fitted for each speed on its own."""
        mean, variance = np.array([each.drop for each in self.annealed]).transpose(1, 0, 2)
        there, unlike = np.array([(each.slope, each.unlike) for each in self.annealed]).T[..., None]
        weight = 1 / (variance + DROP**2 + unlike)
        total = weight.sum(0)
        centre, middle = (weight * there).sum(0) / total, (weight * mean).sum(0) / total
        sure = (weight * (there - centre) ** 2).sum(0) + 1 / POWER_SPREAD**2
        power = ((weight * (there - centre) * (mean - middle)).sum(0) + POWER / POWER_SPREAD**2) / sure
        away = np.clip(slope - centre[:, None], -REACH, REACH)
        line = middle[:, None] + power[:, None] * away
        return _student(value - line, 1 / total[:, None] + away**2 / sure[:, None] + DROP**2)

    def _speed(self) -> Floats:
        chances = np.log(np.array([each.speed for each in self.annealed]) + EVEN)
        return np.asarray(chances.sum(0) / np.sqrt(len(chances)))


def _student(off: Floats, variance: Floats | float) -> Floats:
    """Log density of Student's t, up to a constant."""
    return np.asarray(-(TAILS + 1) / 2 * np.log1p(off**2 / variance / TAILS) - np.log(variance) / 2)
