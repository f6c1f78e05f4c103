"""Every law that could have drawn the curve so far, weighed by how well it does: log L = c + b·(power of travel − kappa·annealing) + rest.

For one exponent alpha, one strength kappa and one speed of annealing, and one covariance of the rest, the law is linear in (c, b), so its
posterior and its evidence are closed formulas of 2×2 matrices. The whole grid is done at once, and the answer is a mixture of normals, not
one best fit. The rest walks on from the last point, so the forecast starts where the curve is and not where the law is.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from lightning_scaling.forecasting.clock import ODDS
from lightning_scaling.forecasting.covariance import Whitened, whiten
from lightning_scaling.forecasting.mixture import Mixture
from lightning_scaling.forecasting.seen import Seen

Floats = NDArray[np.float64]

ALPHAS = np.geomspace(0.03, 1.6, 13)
KAPPAS = np.geomspace(0.1, 12.0, 15)
SLOPE, STEPS = 0.045, 2e4  # typical of the language models among the runs: the unit of the slope in the prior of the drop
AGES = 100.0  # a run is at most so many times younger or older than that


@dataclass(frozen=True)
class Prior:
    """What is believed before a curve is seen: chosen over two dozen sources of real runs (docs/forecasting.md says how).

    Args:
        alpha, alpha_spread: log-normal of the exponent of the reducible loss, alpha + b in log loss (see `_exponent`).
        drop: log loss that a full annealing takes off at slope SLOPE after STEPS steps at the peak; on finished runs it was .03 to .1.
        drop_spread, tails: scale and degrees of freedom of its log: Student's t, for families unlike those.
        share, ageing: powers of the drop in the slope, and of the slope's unit in the steps: a run's drop stays while its slope falls.
        steep, unsure: from slope `steep` to twice that, the spread grows by `unsure`: few such runs have been seen.
        quiet, rough, limit: noise is what annealing removes: above `quiet` the drop goes with the `rough` power of one point's noise
            (.0003 and .05 in language models, .02 and .4 in a small regression, .25 and 2 in a harder one). Flat noisy logs are mostly
            small batches: there the factor ends at `limit` times `quiet`, and only from slope `steep` to twice that it goes on.
    """

    alpha: float = 0.65
    alpha_spread: float = 0.55
    drop: float = 0.048
    drop_spread: float = 0.45
    tails: float = 4.0
    share: float = 0.4
    ageing: float = 0.25
    steep: float = 0.1
    unsure: float = 1.3
    quiet: float = 1e-3
    rough: float = 0.35
    limit: float = 3.0

    def steepness(self, slope: Any) -> Any:
        """0 for the slopes of language models, 1 from twice `steep` on; shaped as `slope`."""
        return np.clip((slope - self.steep) / self.steep, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Posterior:
    """Args:
    mixture: of the fitted loss, one logged point, at each place asked for.
    floor: mean of what the laws would end at after endless travel, with the annealing of the last place asked for.
    slope: mean fall per e-fold of travel now, the gain of annealing apart.
    drop: (m,) mean of what annealing will still take off.
    """

    mixture: Mixture
    floor: float
    slope: float
    drop: Floats


@dataclass(frozen=True, eq=False)
class _Grid:
    """Solutions on axes (covariance, alpha, speed, kappa)."""

    one: Floats
    cross: Floats
    square: Floats
    level: Floats
    slope: Floats
    determinant: Floats
    misfit: Floats


def fit(seen: Seen, prior: Prior) -> Posterior:
    """The posterior mixture at the places `seen` asks for."""
    powers, powers_at = _power(seen.s), _power(seen.s_at)
    white = whiten(seen, np.c_[np.ones_like(seen.s), seen.loss, powers, seen.gain])
    kappas = KAPPAS if (seen.gain.any() or seen.gain_at.any()) else np.zeros(1)
    grid = _solve(white, kappas, seen.gain.shape[1])
    weight = _weight(grid, kappas, white, prior, seen)
    mean, variance = _predict(grid, kappas, white, powers_at, seen.gain_at)
    flat, m = weight.ravel(), len(seen.s_at)
    mixture = Mixture(flat, mean.reshape(-1, m), np.sqrt(variance.reshape(-1, m))).main()
    slope, drop = _parts(grid, weight, kappas, seen)
    return Posterior(mixture, _floor(grid, weight, kappas, seen), slope, drop)


def _power(s: Floats) -> Floats:
    """(n, a) (s^-alpha − 1)/alpha: slope −1 per e-fold at s = 1 whatever alpha."""
    return np.asarray((s[:, None] ** -ALPHAS - 1) / ALPHAS)


def _floor(grid: _Grid, weight: Floats, kappas: Floats, seen: Seen) -> float:
    annealed = kappas * seen.gain_at[-1][:, None] + 1 / ALPHAS[:, None, None]
    end = grid.level - np.maximum(grid.slope, 0.0) * annealed
    return float((weight * (np.exp(end) if seen.units.log else end)).sum())


def _parts(grid: _Grid, weight: Floats, kappas: Floats, seen: Seen) -> tuple[float, Floats]:
    part = weight * grid.slope
    by_speed = (part * kappas).sum((0, 1, 3))
    return float(part.sum()), np.asarray((seen.gain_at - seen.gain[-1]) @ by_speed)


def _columns(speeds: int) -> tuple[slice, slice]:
    """Columns of the powers and of the gains, behind the constant and the loss."""
    return slice(2, 2 + len(ALPHAS)), slice(2 + len(ALPHAS), 2 + len(ALPHAS) + speeds)


def _solve(white: Whitened, k: Floats, speeds: int) -> _Grid:
    gram, (b, g) = white.gram, _columns(speeds)
    one, own = gram[:, 0, 0][:, None, None, None], gram[:, 0, 1][:, None, None, None]
    cross = gram[:, 0, b][:, :, None, None] - k * gram[:, 0, g][:, None, :, None]
    with_loss = gram[:, b, 1][:, :, None, None] - k * gram[:, g, 1][:, None, :, None]
    powers, gains = (np.diagonal(gram[:, i, i], axis1=1, axis2=2) for i in (b, g))
    square = powers[:, :, None, None] - 2 * k * gram[:, b, g][..., None] + k**2 * gains[:, None, :, None]
    determinant = np.maximum(one * square - cross**2, 1e-300)
    level = (square * own - cross * with_loss) / determinant
    slope = (one * with_loss - cross * own) / determinant
    misfit = gram[:, 1, 1][:, None, None, None] - level * own - slope * with_loss
    return _Grid(one, cross, square, level, slope, determinant, misfit)


def _weight(grid: _Grid, kappas: Floats, white: Whitened, prior: Prior, seen: Seen) -> Floats:
    """Evidence of each law times its prior, summing to one; a slope below zero is no law of learning."""
    evidence = -(grid.misfit + np.log(grid.determinant) + white.logdet[:, None, None, None]) / 2
    chance = evidence + log_ndtr(grid.slope * np.sqrt(grid.determinant / grid.one)) + _exponent(grid.slope, prior)
    if len(kappas) > 1:
        chance = chance + _drop(grid.slope, kappas, prior, seen) + np.log(ODDS)[:, None]
    weight = np.exp(chance - chance.max())
    return np.asarray(weight / weight.sum())


def _exponent(slope: Floats, prior: Prior) -> Floats:
    """Log prior of alpha. L = E + A·s^-a has slope b = a·(1 − E/L) in log L, and that falls as s^-(a − b): so a = alpha + b."""
    reducible = ALPHAS[:, None, None] + np.maximum(slope, 0.0)
    return np.asarray(-0.5 * (np.log(reducible / prior.alpha) / prior.alpha_spread) ** 2)


def _drop(slope: Floats, kappas: Floats, prior: Prior, seen: Seen) -> Floats:
    """Log prior of the drop kappa·b: Student's t in its logarithm."""
    b = np.maximum(slope, 1e-4)
    steep = prior.steepness(b)
    age = float(np.clip(seen.steps / STEPS, 1 / AGES, AGES)) ** prior.ageing
    noise = max(seen.noise / prior.quiet, 1.0)
    rough = (min(noise, prior.limit) * max(noise / prior.limit, 1.0) ** steep) ** prior.rough
    expected = rough * prior.drop * (b / SLOPE * age) ** prior.share
    spread = prior.drop_spread + prior.unsure * steep
    off = np.log(kappas * b / expected) / spread
    return np.asarray(-np.log(spread) - (prior.tails + 1) / 2 * np.log1p(off**2 / prior.tails))


def _predict(grid: _Grid, k: Floats, white: Whitened, powers_at: Floats, gain_at: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of each law at each place, on axes (covariance, alpha, speed, kappa, place)."""
    cross, (b, g) = white.cross, _columns(gain_at.shape[1])
    law = powers_at.T[:, None, None, :] - k[:, None] * gain_at.T[:, None, :]
    seen = cross[:, b][:, :, None, None, :] - k[:, None] * cross[:, g][:, None, :, None, :]
    first, second = 1 - cross[:, 0][:, None, None, None, :], law - seen
    mean = grid.level[..., None] * first + grid.slope[..., None] * second + cross[:, 1][:, None, None, None, :]
    spread = grid.square[..., None] * first**2 - 2 * grid.cross[..., None] * first * second + grid.one[..., None] * second**2
    return mean, spread / grid.determinant[..., None] + white.left[:, None, None, None, :]
