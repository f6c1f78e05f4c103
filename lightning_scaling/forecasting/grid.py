"""Every law that could have drawn a curve, solved at once: log L = c + b·(power of effective time − kappa·annealing gain) + rest.

For one exponent alpha, one strength kappa, one speed of response and one covariance of the rest, the law is linear in (c, b), so its
fit and its evidence are closed formulas of 2×2 matrices. There is no optimiser that could fail, and no start value. All arrays lie on axes
(covariance, alpha, speed, kappa). The rest is an autocorrelated drift in log effective time, shapes of unknown amount, and noise; all that
follows needs only products of columns whitened by its covariance, so they are formed once for each strength of the drift.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from lightning_scaling.arrays import Floats
from lightning_scaling.forecasting.observed import Observed
from lightning_scaling.forecasting.rate_profile import ODDS

ALPHAS = np.geomspace(0.03, 1.6, 13)
EXPONENTS = ALPHAS[:, None, None]  # along the axis of alpha
KAPPAS = np.geomspace(0.1, 12.0, 15)
DRIFTS = np.array([0.06, 0.23])  # standard deviation of the walk over one e-fold, in units of the curve's mean slope
COMMON = 0.04  # share of one point's noise that averaging does not remove: neighbours are correlated
FLAT = 1e-6  # least slope the drift is measured in


@dataclass(frozen=True, eq=False)
class Whitened:
    """For each of h covariances K, with columns X (p of them) at the points and k the covariance with the m places asked for.

    Args:
        gram: (h, p, p) XᵀK⁻¹X.
        cross: (h, p, m) XᵀK⁻¹k.
        left: (h, m) variance left at the places asked for, one logged point's noise included.
        logdet: (h,) log |K|.
    """

    gram: Floats
    cross: Floats
    left: Floats
    logdet: Floats


def whiten(observed: Observed, columns: Floats) -> Whitened:
    """All products of `columns` (n, p) under every drift."""
    u, u_at = np.log(observed.s / observed.s[0]), np.log(np.maximum(observed.s_at / observed.s[0], 1.0))
    walk = (DRIFTS * mean_slope(observed)) ** 2
    noise = observed.noise**2 + 1e-12
    K = walk[:, None, None] * np.minimum(u[:, None], u) + observed.extra @ observed.extra.T
    K = K + np.diag(noise * (1 / observed.count + COMMON))
    k = walk[:, None, None] * np.minimum(u[:, None], u_at) + observed.extra @ observed.extra_at.T
    root = np.linalg.cholesky(K)
    white = np.linalg.solve(root, np.concatenate([np.broadcast_to(columns, (len(walk), *columns.shape)), k], axis=2))
    gram = white.transpose(0, 2, 1) @ white
    p = columns.shape[1]
    prior = walk[:, None] * u_at + (observed.extra_at**2).sum(1) + noise
    left = prior - np.diagonal(gram[:, p:, p:], axis1=1, axis2=2)
    logdet = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1)
    return Whitened(gram[:, :p, :p], gram[:, :p, p:], np.maximum(left, 1e-14), logdet)


def mean_slope(observed: Observed) -> float:
    """Fall of the fitted loss per e-fold of effective time, over all that is kept; not below twice the noise."""
    reach = max(float(np.log(observed.s[-1] / observed.s[0])), 1e-9)
    return max(float(observed.loss[0] - observed.loss[-1]) / reach, 2 * observed.noise, FLAT)


@dataclass(frozen=True, eq=False)
class Grid:
    """Args:
    kappas: (k,) strengths tried; zero alone where nothing anneals.
    white: the curve as it was solved for.
    level, slope: c and b of each law.
    one, cross, square, determinant: of the 2×2 matrix of each law.
    misfit: weighted squares left over.
    """

    kappas: Floats
    white: Whitened
    level: Floats
    slope: Floats
    one: Floats
    cross: Floats
    square: Floats
    determinant: Floats
    misfit: Floats

    @property
    def evidence(self) -> Floats:
        """Log evidence of each law; a slope below zero is no law of learning, and the speeds have their own odds."""
        fit = -(self.misfit + np.log(self.determinant) + self.white.logdet[:, None, None, None]) / 2
        chance = fit + log_ndtr(self.slope * np.sqrt(self.determinant / self.one))
        return np.asarray(chance + np.log(ODDS)[:, None] if len(self.kappas) > 1 else chance)


def solve(observed: Observed, kappas: Floats) -> Grid:
    """All laws for a curve; `kappas` matter only where its profile anneals, before or at the places asked for."""
    white = whiten(observed, np.c_[np.ones_like(observed.s), observed.loss, _power(observed.s), observed.gain])
    k = kappas if (observed.gain.any() or observed.gain_at.any()) else np.zeros(1)
    gram, (b, g) = white.gram, _columns(observed.gain.shape[1])
    one, own = gram[:, 0, 0][:, None, None, None], gram[:, 0, 1][:, None, None, None]
    cross = gram[:, 0, b][:, :, None, None] - k * gram[:, 0, g][:, None, :, None]
    with_loss = gram[:, b, 1][:, :, None, None] - k * gram[:, g, 1][:, None, :, None]
    powers, annealing = (np.diagonal(gram[:, i, i], axis1=1, axis2=2) for i in (b, g))
    square = powers[:, :, None, None] - 2 * k * gram[:, b, g][..., None] + k**2 * annealing[:, None, :, None]
    determinant = np.maximum(one * square - cross**2, 1e-300)
    level = (square * own - cross * with_loss) / determinant
    slope = (one * with_loss - cross * own) / determinant
    misfit = gram[:, 1, 1][:, None, None, None] - level * own - slope * with_loss
    return Grid(k, white, level, slope, one, cross, square, determinant, misfit)


def weigh(chance: Floats) -> Floats:
    """Weights that sum to one, from log chances."""
    weight = np.exp(chance - chance.max())
    return np.asarray(weight / weight.sum())


def moments_at(grid: Grid, observed: Observed) -> tuple[Floats, Floats]:
    """Mean and variance of one logged point under each law, with the place asked for as the last axis."""
    cross, (b, g), k = grid.white.cross, _columns(observed.gain.shape[1]), grid.kappas
    law = _power(observed.s_at).T[:, None, None, :] - k[:, None] * observed.gain_at.T[:, None, :]
    before = cross[:, b][:, :, None, None, :] - k[:, None] * cross[:, g][:, None, :, None, :]
    first, second = 1 - cross[:, 0][:, None, None, None, :], law - before
    mean = grid.level[..., None] * first + grid.slope[..., None] * second + cross[:, 1][:, None, None, None, :]
    spread = grid.square[..., None] * first**2 - 2 * grid.cross[..., None] * first * second + grid.one[..., None] * second**2
    return mean, spread / grid.determinant[..., None] + grid.white.left[:, None, None, None, :]


def _power(s: Floats) -> Floats:
    """(n, a) (s^-alpha − 1)/alpha: slope −1 per e-fold at s = 1 whatever alpha."""
    return np.asarray((s[:, None] ** -ALPHAS - 1) / ALPHAS)


def _columns(speeds: int) -> tuple[slice, slice]:
    """Columns of the powers and of the annealing, behind the constant and the loss."""
    return slice(2, 2 + len(ALPHAS)), slice(2 + len(ALPHAS), 2 + len(ALPHAS) + speeds)
