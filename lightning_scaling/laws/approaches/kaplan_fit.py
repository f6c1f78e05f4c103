"""Kaplan's joint law L(N, D) = [(N_c/N)^(alpha_N/alpha_D) + D_c/D]^alpha_D fitted to runs by log least squares (Kaplan et al. 2020,
section 4).
"""
# ruff: noqa: N802 — constants keep the letters of the law

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lightning_scaling.arrays import Floats, robust_spread
from lightning_scaling.laws.points import LawPoints, points
from lightning_scaling.laws.presets.kaplan import KaplanJoint
from lightning_scaling.laws.surface.fit import draw


@dataclass(frozen=True, eq=False)
class KaplanFit:
    """The fitted law, its robust relative noise, and the resampled exponents of N* (None without resamples)."""

    law: KaplanJoint
    noise: float
    because: str
    exponents: Floats | None = None

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Bootstrap interval of a of N* ∝ C^a."""
        if self.exponents is None:
            raise ValueError("intervals come from resamples: fit with resamples=200 or more")
        low, high = np.quantile(self.exponents, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def fit_kaplan(
    params: ArrayLike, tokens: ArrayLike, loss: ArrayLike, resamples: int = 0, seed: int | None = None, groups: ArrayLike | None = None
) -> KaplanFit:
    """Kaplan's joint law of finished runs; N should leave out embeddings, as theirs does."""
    given = points(params, tokens, loss, groups)
    if len(given) < 5:
        return KaplanFit(KaplanJoint(*[float("nan")] * 4), float("nan"), f"{len(given)} points for four constants")
    theta, misses = _search(given, np.ones(len(given)), np.array([-0.5, -0.5, -2.0, -2.0]))
    counts = draw(given.groups, resamples, np.random.default_rng(seed)) if resamples else np.empty((0, len(given)))
    many = np.array([_search(given, row, theta)[0] for row in counts])
    exponents = _N_exponent(many) if resamples else None
    noise = robust_spread(misses)
    return KaplanFit(_law(theta, given), noise, f"log least squares, {100 * noise:.2f} % per point", exponents)


def _search(given: LawPoints, weights: Floats, start: Floats) -> tuple[Floats, Floats]:
    """Minimum in (ln n, ln d, ln alpha_N, ln alpha_D) about the centre of the points: ln L = alpha_D·ln(n·x^-p + d·y^-1)."""
    from scipy.optimize import least_squares

    x, y, z = _centred(given)
    root = np.sqrt(weights)

    def misses(theta: Floats) -> Floats:
        alpha_n, alpha_d = np.exp(theta[2:])
        return np.asarray(root * (alpha_d * np.logaddexp(theta[0] / alpha_d - alpha_n / alpha_d * x, theta[1] / alpha_d - y) - z))

    found = least_squares(misses, start, bounds=([-9, -9, -6, -6], [9, 9, 1, 1]), x_scale="jac", max_nfev=200)
    return np.asarray(found.x), np.asarray(found.fun)


def _centred(given: LawPoints) -> tuple[Floats, Floats, Floats]:
    x, y, z = (np.log(v) for v in (given.params, given.tokens, given.loss))
    return x - x.mean(), y - y.mean(), z - z.mean()


def _law(theta: Floats, given: LawPoints) -> KaplanJoint:
    x, y, z = (float(np.log(v).mean()) for v in (given.params, given.tokens, given.loss))
    alpha_n, alpha_d = np.exp(theta[2:])
    n_c, d_c = x + (theta[0] + z) / alpha_n, y + (theta[1] + z) / alpha_d
    return KaplanJoint(float(alpha_n), float(alpha_d), float(np.exp(n_c)), float(np.exp(d_c)))


def _N_exponent(theta: Floats) -> Floats:
    alpha_n, alpha_d = np.exp(theta[:, 2:]).T
    return np.asarray(alpha_d / (alpha_n + alpha_d))
