"""The most likely law for every form and strength of drift at once: damped Gauss-Newton on the whitened misfit, noise integrated out.

Forms: L = T·(e + (1 − e)·(w·n^(−a/κ) + (1 − w)·d^(−b/κ))^κ), the surface L(N, D) = E + (A/N^a' + B/D^b')^κ about the centre of the runs.
κ = 1 is Hoffmann et al. 2022 (eq. 2); κ below 1 lets the scarcer of N and D decide more sharply, κ above 1 less. n and d are N and D
relative to the centre, T is the loss there, e the floor's share of it, a and b the exponents that a term alone would have.
"""

from dataclasses import dataclass

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.extrapolation.drift import LogRuns, WhitenedMisfit
from lightning_scaling.laws.extrapolation.priors import NOISE, NOISE_WEIGHT, LawPrior

STEPS = 60
LONGEST = 1.5
ENOUGH = 1e-6
# theta holds, in this order: logit e, logit w, ln a, ln b.
STEEPEST = 200.0


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


@dataclass(frozen=True, eq=False)
class Shape:
    """ln(L/T) (..., n), and its derivatives by theta (..., n, 4)."""

    log_loss: Floats
    slopes: Floats


def log_shape(theta: Floats, kappa: Floats, x: Floats, y: Floats) -> Floats:
    """ln(L/T) (..., n) at centred logs x, y (n,) for theta (..., 4) and kappa (...)."""
    return _parts(theta, kappa, x, y)[0]


def shape(theta: Floats, kappa: Floats, x: Floats, y: Floats) -> Shape:
    """The same with its derivatives."""
    log_loss, floor, weight, a, b, by_n, by_d = _parts(theta, kappa, x, y)
    both = by_n + by_d
    reducible = both ** kappa[..., None]
    total = np.exp(log_loss)
    pull = (1 - floor) * kappa[..., None] * reducible / both / total
    slopes = [
        floor * (1 - floor) * (1 - reducible) / total,
        pull * (by_n * (1 - weight) - by_d * weight),
        -pull * by_n * a * x,
        -pull * by_d * b * y,
    ]
    return Shape(log_loss, np.stack(slopes, -1))


def _parts(theta: Floats, kappa: Floats, x: Floats, y: Floats) -> tuple[Floats, ...]:
    floor, weight = (1 / (1 + np.exp(-theta[..., k : k + 1])) for k in (0, 1))
    a, b = (np.exp(theta[..., k : k + 1]) / kappa[..., None] for k in (2, 3))
    by_n = weight * np.exp(np.clip(-a * x, -STEEPEST, STEEPEST))
    by_d = (1 - weight) * np.exp(np.clip(-b * y, -STEEPEST, STEEPEST))
    log_loss = np.log(floor + (1 - floor) * (by_n + by_d) ** kappa[..., None])
    return log_loss, floor, weight, a, b, by_n, by_d
