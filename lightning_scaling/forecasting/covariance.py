"""What the law leaves unexplained, as a covariance: autocorrelated drift in log effective time, shapes of unknown amount, and noise.

Everything later needs only products of columns whitened by that covariance, so they are formed once for each strength of the drift.
"""

from dataclasses import dataclass

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.forecasting.observed import Observed

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
    """Fall of the fitted loss per e-fold of effective_time, over all that is kept; not below twice the noise."""
    reach = max(float(np.log(observed.s[-1] / observed.s[0])), 1e-9)
    return max(float(observed.loss[0] - observed.loss[-1]) / reach, 2 * observed.noise, FLAT)
