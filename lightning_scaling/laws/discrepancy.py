"""A law and what it misses: L = (E + A/N^alpha + B/D^beta)·(1 + drift + noise), solved for many exponents at once.

No surface is the truth; its misfit changes slowly with N and D. The drift is a Gaussian process (kriging) over (ln N, ln D): where runs
crowd they stop counting as independent, and what the law missed at the largest runs is carried on towards larger ones. For fixed
exponents the rest is linear, so coefficients and noise are integrated out exactly (O'Hagan 1978; Kennedy & O'Hagan 2001 for the
discrepancy).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats

EXPONENTS = np.geomspace(0.05, 1.6, 24)
# Published exponents of both terms lie about .34 ± .10; the prior only decides where the runs do not (measured: ± .07 to ± .15 alike).
EXPONENT, EXPONENT_SPREAD = 0.34, 0.10
# Two trainings of one configuration differ by .03 to .8 % with the size of the model; worth two points of evidence about the noise.
NOISE, NOISE_WEIGHT = 3e-3, 2.0
# The grid of exponents is zoomed until it is finer than what the runs know: published families
# need one zoom or none, clean simulations five.
ZOOMS = 6
# Each term is about a third of a typical loss, give or take its whole: keeps three coefficients of a handful of runs apart.
SHARE, SHARE_SPREAD = 1 / 3, 1.0


@dataclass(frozen=True, eq=False)
class Setting:
    """How far the drift reaches (e-folds of N, D), its variance over the noise's, and how noise falls with compute (variance ∝ C^-fall)."""

    reach: float = 2.0
    drift: float = 10.0
    fall: float = 0.5


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs in centred logs: x, y (n,), loss relative to the median, noise variance up to a factor, and which run each point is of."""

    x: Floats
    y: Floats
    loss: Floats
    variance: Floats
    groups: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Predictive:
    """Mean and standard deviation of ln loss (m,) at the targets, over all exponents, and the mean exponents."""

    log_loss: Floats
    spread: Floats
    exponents: tuple[float, float]


def predictive(runs: Runs, x: Floats, y: Floats, setting: Setting) -> Predictive:
    """What the runs say of new ones at centred logs x, y (m,): a mixture over exponents, weighed by evidence."""
    from scipy.linalg import solve_triangular

    whiten = np.linalg.cholesky(_covariance(runs, setting))
    reached = solve_triangular(whiten, setting.drift * _alike(runs.x, runs.y, x, y, setting.reach), lower=True)
    left = setting.drift - (reached**2).sum(0)
    alpha = beta = EXPONENTS
    for _ in range(ZOOMS):
        by_n, by_d = np.exp(-alpha[:, None] * runs.x) / runs.loss, np.exp(-beta[:, None] * runs.y) / runs.loss
        columns = np.vstack([by_n, by_d, 1 / runs.loss, np.ones_like(runs.x)]).T
        white = solve_triangular(whiten, columns, lower=True)
        laws = _laws(white.T @ white, reached.T @ white, alpha, beta, len(runs.x))
        finer = _zoom(alpha, laws.alpha, laws.weight), _zoom(beta, laws.beta, laws.weight)
        if finer[0] is alpha and finer[1] is beta:
            break
        alpha, beta = finer
    return _mixture(laws, left, x, y)


@dataclass(frozen=True, eq=False)
class _Laws:
    """Pairs of exponents (p,): weight, coefficients (p, 3), their covariance over noise (p, 3, 3) and noise variance (p,).

    known (p, m, 3) and missed (p, m): how much of the coefficients' columns, and of the law's misfit, is carried to the m targets.
    """

    alpha: Floats
    beta: Floats
    weight: Floats
    found: Floats
    inverse: Floats
    noise: Floats
    known: Floats
    missed: Floats


def _zoom(grid: Floats, values: Floats, weight: Floats) -> Floats:
    """A finer grid where the runs know an exponent better than the grid does, else the same one."""
    mean = float(weight @ values)
    spread = float(np.sqrt(weight @ (values - mean) ** 2))
    step = float(np.interp(mean, grid, np.gradient(grid)))
    if spread > 0.7 * step:
        return grid
    wide = 2.0 * max(spread, 0.5 * step)
    return np.asarray(np.linspace(max(mean - wide, 0.3 * mean), mean + wide, 13))


def _alike(x: Floats, y: Floats, u: Floats, v: Floats, reach: float) -> Floats:
    """(n, m) Matérn-3/2 correlation of the drift between points of the (ln N, ln D) plane."""
    away = np.sqrt(3.0) / reach * np.hypot(x[:, None] - u, y[:, None] - v)
    return np.asarray((1 + away) * np.exp(-away))


def _covariance(runs: Runs, setting: Setting) -> Floats:
    # Points of one run share an offset as large as the noise of a run.
    together = runs.groups[:, None] == runs.groups
    noise = np.sqrt(runs.variance)
    shared = noise[:, None] * noise * np.where(np.eye(len(noise), dtype=bool), 1.0, 0.8)
    return np.asarray(setting.drift * _alike(runs.x, runs.y, runs.x, runs.y, setting.reach) + together * shared)


def _laws(gram: Floats, carried: Floats, alpha: Floats, beta: Floats, n: int) -> _Laws:
    i, j = (a.ravel() for a in np.meshgrid(range(len(alpha)), range(len(beta)), indexing="ij"))
    one = len(alpha) + len(beta)
    columns = np.stack([i, len(alpha) + j, np.full(len(i), one)], 1)
    precision = gram[columns[:, :, None], columns[:, None, :]] + np.eye(3) * (NOISE / SHARE_SPREAD) ** 2
    moment = gram[columns, one + 1] + SHARE * (NOISE / SHARE_SPREAD) ** 2
    inverse = np.linalg.inv(precision)
    found = np.einsum("pij,pj->pi", inverse, moment)
    misfit = np.maximum(gram[-1, -1] - (found * moment).sum(1), 0.0) + NOISE_WEIGHT * NOISE**2
    room = np.gradient(alpha)[i] * np.gradient(beta)[j]
    weight = _evidence(precision, misfit, found, n, alpha[i], beta[j]) * room
    kept = weight > 1e-6 * weight.max()
    weight = weight[kept] / weight[kept].sum()
    known = carried[:, columns[kept]].transpose(1, 0, 2)
    missed = carried[:, one + 1] - np.einsum("pmk,pk->pm", known, found[kept])
    return _Laws(alpha[i[kept]], beta[j[kept]], weight, found[kept], inverse[kept], misfit[kept] / (n - 3 + NOISE_WEIGHT), known, missed)


def _evidence(precision: Floats, misfit: Floats, found: Floats, n: int, alpha: Floats, beta: Floats) -> Floats:
    """Weight of each pair of exponents: marginal likelihood times the prior; none for a law with a negative term."""
    log_weight = -0.5 * np.linalg.slogdet(precision)[1] - 0.5 * (n - 3 + NOISE_WEIGHT) * np.log(misfit)
    log_weight -= 0.5 * ((alpha - EXPONENT) ** 2 + (beta - EXPONENT) ** 2) / EXPONENT_SPREAD**2
    possible = (found > 0).all(1)
    log_weight = np.where(possible, log_weight, -np.inf) if possible.any() else log_weight
    return np.asarray(np.exp(log_weight - log_weight.max()))


def _mixture(laws: _Laws, left: Floats, x: Floats, y: Floats) -> Predictive:
    new = np.stack([np.exp(-laws.alpha[:, None] * x), np.exp(-laws.beta[:, None] * y), np.ones((len(laws.weight), len(x)))], 2)
    mean = np.maximum(np.einsum("pmk,pk->pm", new, laws.found) * (1 + laws.missed), 1e-9)
    unknown = new / mean[:, :, None] - laws.known
    variance = laws.noise[:, None] * (left + 1 + np.einsum("pmi,pij,pmj->pm", unknown, laws.inverse, unknown))
    centre = laws.weight @ np.log(mean)
    spread = np.sqrt(laws.weight @ (variance + (np.log(mean) - centre) ** 2))
    return Predictive(centre, spread, (float(laws.weight @ laws.alpha), float(laws.weight @ laws.beta)))
