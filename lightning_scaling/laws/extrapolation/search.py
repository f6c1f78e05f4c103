"""The most likely law for every form and strength of drift at once: damped Gauss-Newton on the whitened misfit, noise integrated out."""

from dataclasses import dataclass

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.extrapolation.drift import LogRuns, WhitenedMisfit
from lightning_scaling.laws.extrapolation.kappa_form import log_shape, shape
from lightning_scaling.laws.extrapolation.priors import NOISE, NOISE_WEIGHT, LawPrior

STEPS = 60
LONGEST = 1.5
ENOUGH = 1e-6


@dataclass(frozen=True, eq=False)
class SearchTarget:
    """What is minimised: half (n − 1 + weight of the prior on noise) times ln of the whitened squares, plus the prior's squares."""

    runs: LogRuns
    white: WhitenedMisfit
    prior: LawPrior

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the noise."""
        return len(self.runs.x) - 1 + NOISE_WEIGHT

    @property
    def precision(self) -> Floats:
        """(4,) one over the prior's variances."""
        return np.asarray(1 / np.square(self.prior.spread))

    def misfit(self, theta: Floats, kappa: Floats) -> Floats:
        """WhitenedMisfit residuals (..., k, n) without their part along the free level, for theta (..., k, 4)."""
        miss = self.runs.z - log_shape(theta, kappa, self.runs.x, self.runs.y)
        return self.white.project(self.white.whiten @ miss[..., None])[..., 0]

    def squares(self, misfit: Floats) -> Floats:
        """Sum of squares with the prior on noise."""
        return np.asarray((misfit**2).sum(-1) + NOISE_WEIGHT * NOISE**2)

    def value(self, theta: Floats, misfit: Floats) -> Floats:
        """Minus the log posterior up to a constant."""
        away = ((theta - np.array(self.prior.mean)) ** 2) @ self.precision
        return np.asarray(0.5 * self.freedom * np.log(self.squares(misfit)) + 0.5 * away)


@dataclass(frozen=True, eq=False)
class Found:
    """Most likely theta (f, k, 4) for each form and drift, with its covariance (f, k, 4, 4)."""

    theta: Floats
    covariance: Floats


def most_likely(target: SearchTarget, kappas: Floats) -> Found:
    """For forms kappas (f,) and the drifts of the target (k,)."""
    mean = np.array(target.prior.mean)
    kappa = np.repeat(kappas[:, None], len(target.white.scale), 1)
    theta = np.broadcast_to(mean, (*kappa.shape, 4)).copy()
    damping = np.full(kappa.shape, 1e-2)
    misfit = target.misfit(theta, kappa)
    value = target.value(theta, misfit)
    for _ in range(STEPS):
        curvature, pull = _quadratic(target, theta, kappa, misfit)
        scaled = curvature * (1 + damping[..., None, None] * np.eye(4))
        step = np.clip(np.linalg.solve(scaled, pull[..., None])[..., 0], -LONGEST, LONGEST)
        tried = target.misfit(theta + step, kappa)
        new = target.value(theta + step, tried)
        better = new <= value
        settled = np.where(better, value - new < ENOUGH, damping > 1e5)
        theta, misfit = np.where(better[..., None], theta + step, theta), np.where(better[..., None], tried, misfit)
        value, damping = np.where(better, new, value), np.where(better, damping * 0.2, damping * 5 + 1e-6)
        if settled.all():
            break
    return Found(theta, np.asarray(np.linalg.inv(_quadratic(target, theta, kappa, misfit)[0])))


def _quadratic(target: SearchTarget, theta: Floats, kappa: Floats, misfit: Floats) -> tuple[Floats, Floats]:
    """Gauss-Newton curvature (..., 4, 4) and the downhill direction (..., 4)."""
    slopes = shape(theta, kappa, target.runs.x, target.runs.y).slopes
    slopes = target.white.project(target.white.whiten @ slopes)
    noise = (target.squares(misfit) / target.freedom)[..., None, None]
    across = np.swapaxes(slopes, -1, -2)
    curvature = across @ slopes / noise + np.diag(target.precision)
    pull = (across @ misfit[..., None] / noise)[..., 0] - target.precision * (theta - np.array(target.prior.mean))
    return curvature, pull
