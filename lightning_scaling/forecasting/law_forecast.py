"""The annealing law's predictive distribution: all laws that could have drawn the curve so far, widened by what they do not know.

The laws are weighed by how well they do: a mixture of normals, not one best fit. The drift continues from the last point, so the forecast
starts where the curve is and not where the law is. This posterior is moved a seventh of the way to a plain tail law, less the share of the
drop that this law cannot have seen. Its deviation gains a share of their disagreement, and a share of the remaining gain: how a rate that
has yet to fall acts is the least certain thing about a run.
"""

from dataclasses import dataclass, replace

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.forecasting.distributions import Mixture
from lightning_scaling.forecasting.grid import EXPONENTS, KAPPAS, Grid, moments_at, solve, weigh
from lightning_scaling.forecasting.observed import Observed
from lightning_scaling.forecasting.plain_laws import tail_law
from lightning_scaling.forecasting.prior import FamilyPrior, Prior

PULL = 0.14  # towards the tail law: .1 to .25 were alike, .35 worse by .08 in log error
FAR = 0.5  # a disagreement in log loss beyond this counts as this
CALM, BUSY = 0.43, 0.85  # of the posterior's own deviation: where the rate stays as it is, where it has still to fall
SOON = 0.01  # a fall of the rate of this share of the peak is half way between the two
DISAGREEMENT = 0.3  # share of the two laws' difference that enters the deviation
REMAINING = 0.19  # share of the remaining gain that enters it
LEAST = 0.06  # log loss: a full annealing takes no less than this, for that purpose
UNKNOWN = 0.04  # log loss: the same where no schedule is known, for a run that is just beginning; such a run's rate mostly falls
MIDDLE = 1  # the speed of response by which the remaining annealing is measured


@dataclass(frozen=True, eq=False)
class Posterior:
    """Args:
    mixture: of the fitted loss, one logged point, at each place asked for.
    floor: mean of what the laws would end at after endless training, with the annealing of the last place asked for.
    slope: mean fall per e-fold of effective time now, the gain of annealing apart.
    drop: (m,) mean of what annealing will still take off.
    """

    mixture: Mixture
    floor: float
    slope: float
    drop: Floats


def fit(observed: Observed, prior: Prior, family: FamilyPrior | None = None) -> Posterior:
    """The posterior mixture at the places `observed` asks for, with what finished runs of the `family` show."""
    grid = solve(observed, KAPPAS)
    weight = weigh(_chance(grid, observed, prior, family))
    mean, variance = moments_at(grid, observed)
    m = len(observed.s_at)
    mixture = Mixture(weight.ravel(), mean.reshape(-1, m), np.sqrt(variance.reshape(-1, m))).main()
    part = weight * grid.slope
    drop = np.asarray((observed.gain_at - observed.gain[-1]) @ (part * grid.kappas).sum((0, 1, 3)))
    return Posterior(mixture, _floor(grid, weight, observed), float(part.sum()), drop)


def _chance(grid: Grid, observed: Observed, prior: Prior, family: FamilyPrior | None) -> Floats:
    chance = grid.evidence + prior.exponent(EXPONENTS, grid.slope)
    if len(grid.kappas) > 1:
        chance = chance + prior.annealing(grid.kappas, grid.slope, observed)
    return chance if family is None else chance + family.chance(grid)


def _floor(grid: Grid, weight: Floats, observed: Observed) -> float:
    annealed = grid.kappas * observed.gain_at[-1][:, None] + 1 / EXPONENTS
    end = grid.level - np.maximum(grid.slope, 0.0) * annealed
    return float((weight * (np.exp(end) if observed.units.log else end)).sum())


@dataclass(frozen=True, eq=False)
class LawForecast:
    """Args:
    mixture: of the fitted loss less the curve's offset, at m places.
    posterior: the schedule-aware part.
    remaining: (m,) annealing still to be gained there, 1 for a full fall.
    observed: what it was made from.
    """

    mixture: Mixture
    posterior: Posterior
    remaining: Floats
    observed: Observed

    @property
    def decaying(self) -> Floats:
        """(m,) 0 where the rate stays as it is, towards 1 where it has still to fall."""
        return np.asarray(self.remaining / (self.remaining + SOON))

    def with_mixture(self, mixture: Mixture) -> "LawForecast":
        """The same laws behind another distribution."""
        return replace(self, mixture=mixture)


def predict(observed: Observed, prior: Prior, family: FamilyPrior | None = None) -> LawForecast:
    """The predictive distribution from a run's own curve and schedule, and from the prior of its family."""
    posterior = fit(observed, prior, family)
    centre = posterior.mixture.weight @ posterior.mixture.mean
    middle = min(MIDDLE, observed.gain.shape[1] - 1)
    annealed, remaining = float(observed.gain[-1, middle]), np.maximum((observed.gain_at - observed.gain[-1])[:, middle], 0.0)
    unseen = np.maximum(posterior.drop, 0.0) * remaining / (remaining + max(annealed, 0.0) + 1e-3)
    apart = np.clip(tail_law(observed) - observed.offset_at - unseen - centre, -FAR, FAR)
    known = observed.gain.shape[1] > 1
    unsure = REMAINING * np.maximum(LEAST * remaining, posterior.drop) if known else UNKNOWN * np.maximum(1 - 1 / observed.s_at, 0.0)
    extra = np.hypot(DISAGREEMENT * apart, unsure)
    scale = CALM + (BUSY - CALM) * remaining / (remaining + SOON)
    return LawForecast(posterior.mixture.moved(PULL * apart, scale, extra), posterior, remaining, observed)
