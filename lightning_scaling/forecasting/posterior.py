"""All laws that could have drawn the curve so far, weighed by how well they do: a mixture of normals, not one best fit.

The drift continues from the last point, so the forecast starts where the curve is and not where the law is.
"""

from dataclasses import dataclass

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.forecasting.family import FamilyPrior
from lightning_scaling.forecasting.grid import EXPONENTS, KAPPAS, Grid, moments_at, solve, weigh
from lightning_scaling.forecasting.mixture import Mixture
from lightning_scaling.forecasting.observed import Observed
from lightning_scaling.forecasting.prior import Prior


@dataclass(frozen=True, eq=False)
class Posterior:
    """Args:
    mixture: of the fitted loss, one logged point, at each place asked for.
    floor: mean of what the laws would end at after endless effective_time, with the annealing of the last place asked for.
    slope: mean fall per e-fold of effective_time now, the gain of annealing apart.
    drop: (m,) mean of what annealing will still take off.
    """

    mixture: Mixture
    floor: float
    slope: float
    drop: Floats


def fit(observed: Observed, prior: Prior, family: FamilyPrior | None = None) -> Posterior:
    """The posterior mixture at the places `observed` asks for, with what finished runs of the `family` have estimate."""
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
