"""The prior of a run: the exponent of its loss and what annealing will take off it, in general and as finished runs of its family show it.

A finished run is solved on the same grid of laws, over its whole curve, its clock at 1 at the same share of its length. The posterior
is its annealing estimate: how much the fall of the rate takes off the loss, and how fast. Several are pooled into one prior, a line in the
logarithms of drop and slope: between families the drop hardly goes with the slope, but within one it goes with more than the slope (powers
1.5 to 2.8 over the sizes of two published families). Transferring the exponents of finished runs as well was tried and left out: a family's
runs differ in them as much as the prior is wide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.forecasting.grid import EXPONENTS, Grid, solve, weigh
from lightning_scaling.forecasting.observed import Observed

SLOPE, STEPS = 0.045, 2e4  # typical of the language models among the runs: the units of the slope and of the age in the prior of the drop
AGES = 100.0  # a run is at most so many times younger or older than that
FLATTEST = 1e-4  # slopes below count as this one
FINER = np.geomspace(0.05, 15.0, 40)  # strengths of annealing tried on a finished run, which separates them well
DROP = 0.16  # deviation of the log drop among runs that are alike
POWER, POWER_SPREAD = 2.0, 1.0  # of the drop in the slope, within a family: a line through two or more estimates may give another
REACH = 0.16  # log slope: beyond that a line of drops is not continued; .25 cost .03 in log score plus error, 1 far more on steep curves
TAILS = 6.0  # degrees of freedom: a run may be unlike its family
EVEN = 0.2  # odds of a speed that the estimates hold impossible


@dataclass(frozen=True)
class Prior:
    """The prior before a curve is seen: chosen over some forty sources of runs; alpha, alpha_spread, share and ageing by leaving each of
    22 sources out in turn (docs/decisions.md).

    Args:
        alpha, alpha_spread: log-normal of the exponent of the reducible loss, alpha + b in log loss (see `exponent`).
        drop: log loss that a full annealing takes off at slope SLOPE after STEPS steps at the peak; on finished runs it was .03 to .1.
        drop_spread, tails: scale and degrees of freedom of its log: Student's t, for families unlike those.
        share, ageing: powers of the drop in the slope, and of the slope's unit in the steps: a run's drop stays while its slope falls.
        steep, unsure: from slope `steep` to twice that, the spread grows by `unsure`: few such runs have been seen.
        quiet, rough, limit: noise is what annealing removes: above `quiet` the drop goes with the `rough` power of one point's noise
            (.0003 and .05 in language models, .02 and .4 in a small regression, .25 and 2 in a harder one). Flat noisy logs are mostly
            small batches: there the factor ends at `limit` times `quiet`, and only from slope `steep` to twice that it continues.
    """

    alpha: float = 0.63
    alpha_spread: float = 0.46
    drop: float = 0.047
    drop_spread: float = 0.45
    tails: float = 4.0
    share: float = 0.6
    ageing: float = 0.35
    steep: float = 0.1
    unsure: float = 1.3
    quiet: float = 1e-3
    rough: float = 0.25
    limit: float = 3.0

    def steepness(self, slope: Any) -> Any:
        """0 for the slopes of language models, 1 from twice `steep` on; shaped as `slope`."""
        return np.clip((slope - self.steep) / self.steep, 0.0, 1.0)

    def exponent(self, alphas: Floats, slope: Floats) -> Floats:
        """Log density of alpha. L = E + A·s^-a has slope b = a·(1 − E/L) in log L, and that falls as s^-(a − b): so a = alpha + b."""
        reducible = alphas + np.maximum(slope, 0.0)
        return np.asarray(-0.5 * (np.log(reducible / self.alpha) / self.alpha_spread) ** 2)

    def annealing(self, kappas: Floats, slope: Floats, observed: Observed) -> Floats:
        """Log density of the drop kappa·b: Student's t in its logarithm."""
        b = np.maximum(slope, FLATTEST)
        steep = self.steepness(b)
        age = float(np.clip(observed.steps / STEPS, 1 / AGES, AGES)) ** self.ageing
        noise = max(observed.noise / self.quiet, 1.0)
        rough = (min(noise, self.limit) * max(noise / self.limit, 1.0) ** steep) ** self.rough
        expected = rough * self.drop * (b / SLOPE * age) ** self.share
        spread = self.drop_spread + self.unsure * steep
        off = np.log(kappas * b / expected) / spread
        return np.asarray(-np.log(spread) - (self.tails + 1) / 2 * np.log1p(off**2 / self.tails))


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
