"""L = T·(e + (1 − e)·(w·n^(−a/κ) + (1 − w)·d^(−b/κ))^κ): the surface L(N, D) = E + (A/N^a' + B/D^b')^κ about the centre of the runs.

κ = 1 is Hoffmann et al. 2022 (eq. 2); κ below 1 lets the scarcer of N and D decide more sharply, κ above 1 less. n and d are N and D
relative to the centre, T is the loss there, e the floor's share of it, a and b the exponents that a term alone would have.
"""

from dataclasses import dataclass

import numpy as np

from lightning_scaling.arrays import Floats

# theta holds, in this order: logit e, logit w, ln a, ln b.
STEEPEST = 200.0


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
