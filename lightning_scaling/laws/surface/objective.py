"""Summed Huber loss of log residuals of L(N, D) = E + A/N^alpha + B/D^beta, with exact gradient and Hessian, for many weightings at once.

Hoffmann et al. 2022, section D.2 fit log L by log-sum-exp(e, a − alpha·x, b − beta·y), where x = ln N, y = ln D and e, a, b are logs of
E, A, B. The *sum* matters: a mean of the same terms is so small that quasi-Newton methods stop early (Besiroglu et al. 2024, section 4).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lightning_scaling.arrays import Floats

LOW = np.tril_indices(5, -1)


@dataclass(frozen=True, eq=False)
class Problem:
    """LawPoints of a surface in centred logs, so that any unit of N, D and loss gives the same numbers inside.

    Args:
        x, y, z: (n,) ln N, ln D, ln loss, each minus its centre.
        delta: width of the quadratic part of the Huber loss, inf for least squares.
        overestimate: weight of points that the law predicts too high, 1 for a symmetric objective.
    """

    x: Floats
    y: Floats
    z: Floats
    delta: float
    overestimate: float = 1.0

    @cached_property
    def across_params(self) -> Floats:
        """(n, 3) powers 1, −x, x² that derivatives with respect to (a, alpha) need."""
        return np.stack([np.ones_like(self.x), -self.x, self.x**2], 1)

    @cached_property
    def across_tokens(self) -> Floats:
        """(n, 3) the same of y, for (b, beta)."""
        return np.stack([np.ones_like(self.y), -self.y, self.y**2], 1)


@dataclass(frozen=True, eq=False)
class Value:
    """Objective (R,), gradient (R, 5) and Hessian (R, 5, 5) of R weightings."""

    value: Floats
    gradient: Floats
    hessian: Floats


def log_prediction(theta: Floats, x: Floats, y: Floats) -> Floats:
    """(R, n) ln L at centred logs, for theta (R, 5) = (e, a, b, alpha, beta)."""
    terms = np.exp(theta[:, 1:2] - theta[:, 3:4] * x) + np.exp(theta[:, 2:3] - theta[:, 4:5] * y) + np.exp(theta[:, :1])
    return np.asarray(np.log(terms))


def evaluate(problem: Problem, theta: Floats, weights: Floats) -> Value:
    """Objective, gradient and Hessian at theta (R, 5) for point weights (R, n): a resample is a row of counts."""
    floor = np.exp(theta[:, :1])
    by_n = np.exp(theta[:, 1:2] - theta[:, 3:4] * problem.x)
    by_d = np.exp(theta[:, 2:3] - theta[:, 4:5] * problem.y)
    total = floor + by_n + by_d
    residual = np.log(total) - problem.z
    np.reciprocal(total, out=total)
    share_e, share_n, share_d = floor * total, by_n * total, by_d * total
    slope = np.clip(residual, -problem.delta, problem.delta)
    if problem.overestimate != 1.0:
        weights = weights * np.where(residual > 0, problem.overestimate, 1.0)
    value = (weights * slope * (residual - 0.5 * slope)).sum(1)
    curved = weights * (slope == residual)
    slope *= weights
    return _derivatives(problem, value, slope, curved - slope, (share_e, share_n, share_d))


def _derivatives(problem: Problem, value: Floats, slope: Floats, bend: Floats, shares: tuple[Floats, Floats, Floats]) -> Value:
    # d log-sum-exp = share of each term; its second derivative = diag(shares) − shares·sharesᵀ, hence `bend` = huber'' − huber'.
    e, n, d = shares
    by_x, by_y = problem.across_params, problem.across_tokens
    gradient, hessian = np.empty((len(e), 5)), np.empty((len(e), 5, 5))
    first_e, first_n, first_d = (slope * e).sum(1), (slope * n) @ by_x, (slope * d) @ by_y
    bend_e, bend_n, bend_d = bend * e, bend * n, bend * d
    cross = bend_n * d
    gradient[:, 0], gradient[:, 1], gradient[:, 3], gradient[:, 2], gradient[:, 4] = first_e, *first_n[:, :2].T, *first_d[:, :2].T
    hessian[:, 0, 0] = first_e + (bend_e * e).sum(1)
    hessian[:, 0, 1], hessian[:, 0, 3] = ((bend_e * n) @ by_x[:, :2]).T
    hessian[:, 0, 2], hessian[:, 0, 4] = ((bend_e * d) @ by_y[:, :2]).T
    hessian[:, 1, 1], hessian[:, 1, 3], hessian[:, 3, 3] = (first_n + (bend_n * n) @ by_x).T
    hessian[:, 2, 2], hessian[:, 2, 4], hessian[:, 4, 4] = (first_d + (bend_d * d) @ by_y).T
    hessian[:, 1, 2], hessian[:, 1, 4] = (cross @ by_y[:, :2]).T
    hessian[:, 2, 3] = cross @ by_x[:, 1]
    hessian[:, 3, 4] = cross @ (by_x[:, 1] * by_y[:, 1])
    hessian[:, LOW[0], LOW[1]] = hessian[:, LOW[1], LOW[0]]
    return Value(value, gradient, hessian)
