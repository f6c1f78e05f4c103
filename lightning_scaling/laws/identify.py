"""Are the constants of a surface identified by its points? Judged by the linearised standard error of the exponents."""

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.newton import LOWER, UPPER
from lightning_scaling.laws.outcomes import SurfaceOutcome
from lightning_scaling.laws.points import Points

# An exponent known no better than ± .12 (a third of the usual .35) moves a decade of extrapolation by a quarter of its reducible part.
LARGEST_ERROR = 0.12
# ln(D/N) that varies by less than this (a quarter) cannot tell N from D.
SMALLEST_RATIO_SPREAD = 0.22
FEWEST = 6


def sensitivities(theta: Floats, x: Floats, y: Floats) -> Floats:
    """(n, 5) derivatives of ln L with respect to (e, a, b, alpha, beta) at centred logs x, y."""
    terms = np.stack([np.full_like(x, np.exp(theta[0])), np.exp(theta[1] - theta[3] * x), np.exp(theta[2] - theta[4] * y)], 1)
    e, n, d = (terms / terms.sum(1, keepdims=True)).T
    return np.stack([e, n, d, -x * n, -y * d], 1)


def exponent_errors(theta: Floats, x: Floats, y: Floats, noise: float) -> tuple[float, float]:
    """Linearised standard errors of alpha and beta for a relative noise per point; inf where the points do not determine them."""
    slopes = sensitivities(theta, x, y)
    left, sizes, _ = np.linalg.svd(slopes.T, full_matrices=False)
    spread = np.where(sizes > 1e-9 * sizes[0], noise / np.maximum(sizes, 1e-300), np.inf)
    with np.errstate(invalid="ignore"):
        errors = np.sqrt(np.nansum((left[3:] * spread) ** 2, 1))
    return float(errors[0]), float(errors[1])


def judge(points: Points, theta: Floats, x: Floats, y: Floats, noise: float) -> tuple[SurfaceOutcome, str]:
    """The outcome of a fit and the numbers that decided."""
    ratios = np.log(points.tokens / points.params)
    errors = exponent_errors(theta, x, y, max(noise, 1e-4))
    numbers = f"{_told(theta[3], theta[4], errors)} (noise {100 * noise:.2f} % per point)"
    if ratios.std() < SMALLEST_RATIO_SPREAD:
        return SurfaceOutcome.ONE_RATIO, f"tokens per param vary by only ± {100 * ratios.std():.0f} %; {numbers}"
    edge = (theta <= LOWER) | (theta >= UPPER)
    open_n = len(np.unique(np.round(np.log(points.params), 2))) < 3 or bool(edge[1] or edge[3])
    open_d = len(np.unique(np.round(np.log(points.tokens), 2))) < 3 or bool(edge[2] or edge[4])
    worst = max(errors) if not (open_n or open_d) else 0.0
    if open_n or (worst > LARGEST_ERROR and errors[0] == worst):
        return SurfaceOutcome.PARAMS_NOT_IDENTIFIED, numbers
    if open_d or worst > LARGEST_ERROR:
        return SurfaceOutcome.TOKENS_NOT_IDENTIFIED, numbers
    if theta[0] < -7:
        return SurfaceOutcome.FLOOR_AT_ZERO, numbers
    return SurfaceOutcome.IDENTIFIED, numbers


def _told(alpha: float, beta: float, errors: tuple[float, float]) -> str:
    if not np.isfinite(errors).all():
        return f"the points do not determine both alpha {alpha:.3f} and beta {beta:.3f}"
    return f"alpha {alpha:.3f} ± {errors[0]:.3f}, beta {beta:.3f} ± {errors[1]:.3f}"
