"""The misfit of a law over (ln N, ln D): a smooth drift (Matérn-3/2 Gaussian process) plus the noise of each run.

No surface is the truth; its misfit changes slowly with N and D. Where runs crowd they stop counting as independent, and what the law missed
at the largest runs is extrapolated towards larger ones (kriging; Kennedy & O'Hagan 2001 for a discrepancy beside a model).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats

# How far the drift reaches, in e-folds of N and D.
REACH = 2.0
# LawPoints of one run share an offset: correlation of their noise.
WITHIN_RUN = 0.8


@dataclass(frozen=True, eq=False)
class LogRuns:
    """Runs in logs about their centre: x, y, z (n,) for N, D and loss; variance of the noise up to a factor; the run of each point."""

    x: Floats
    y: Floats
    z: Floats
    variance: Floats
    groups: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class WhitenedMisfit:
    """What makes the misfit of n runs independent, for several strengths of drift (k), and how it extrapolates to m targets.

    Args:
        whiten: (k, n, n) inverse Cholesky factors of the misfit's covariance over the noise's.
        level: (k, n) the whitened constant, of length one; scale (k,) its length before.
        log_density: (k,) minus half the log determinant, the free level integrated out.
        projected: (k, n, m) whitened covariance with the targets; left (k, m, m) the targets' covariance that remains.
    """

    whiten: Floats
    level: Floats
    scale: Floats
    log_density: Floats
    projected: Floats
    left: Floats

    def project(self, whitened: Floats) -> Floats:
        """WhitenedMisfit columns (..., k, n, j) without their part along the free level."""
        level = self.level[:, :, None]
        return np.asarray(whitened - level * (level * whitened).sum(-2, keepdims=True))


def matern(x: Floats, y: Floats, u: Floats, v: Floats, reach: float = REACH) -> Floats:
    """(n, m) Matérn-3/2 correlation between points of the (ln N, ln D) plane."""
    away = np.sqrt(3.0) / reach * np.hypot(x[:, None] - u, y[:, None] - v)
    return np.asarray((1 + away) * np.exp(-away))


def whitened(runs: LogRuns, u: Floats, v: Floats, drifts: Floats) -> WhitenedMisfit:
    """For runs, targets at centred logs u, v (m,), and variances of the drift over the noise (k,)."""
    from scipy.linalg import solve_triangular

    alike, to_targets, among = matern(runs.x, runs.y, runs.x, runs.y), matern(runs.x, runs.y, u, v), matern(u, v, u, v)
    noise = np.sqrt(runs.variance)
    own = np.where(np.eye(len(noise), dtype=bool), 1.0, WITHIN_RUN) * (runs.groups[:, None] == runs.groups) * noise[:, None] * noise
    factors = [np.linalg.cholesky(drift * alike + own) for drift in drifts]
    whiten = np.stack([solve_triangular(factor, np.eye(len(noise)), lower=True) for factor in factors])
    flat = whiten.sum(2)
    scale = np.linalg.norm(flat, axis=1)
    log_density = -np.array([np.log(np.diag(factor)).sum() for factor in factors]) - np.log(scale)
    projected = drifts[:, None, None] * (whiten @ to_targets)
    left = drifts[:, None, None] * among - np.swapaxes(projected, 1, 2) @ projected
    return WhitenedMisfit(whiten, flat / scale[:, None], scale, log_density, projected, left)
