"""Are the constants of a surface identified by its runs? Judged by profile likelihood, linearised errors, degrees of freedom and residuals.

The linearised standard error is small in flat, curved regions where a constant can be threefold off; the profile over both exponents
(Golub & Pereyra 1973: for fixed exponents the law is linear) sees the whole region, and its limit uses the t distribution of the degrees
of freedom, since nine runs and five constants leave a noise that is mostly luck.

Residuals that follow N, D or their ratio say that the form is wrong, whatever their size: for each direction a quadratic and a cubic in it,
freed from what the constants can absorb, are fitted to them; an F test with Bonferroni's correction for three directions decides.
"""

from dataclasses import dataclass

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.arrays import Floats, robust_spread
from lightning_scaling.laws.outcomes import SurfaceOutcome
from lightning_scaling.laws.points import LawPoints, spread_over
from lightning_scaling.laws.surface.search import LOWER, UPPER, unexplained
from lightning_scaling.laws.surface.surface import CONSTANTS, Surface

# An exponent known no better than ± .12 (a third of the usual .35) moves a decade of extrapolation by a quarter of its reducible part.
LARGEST_ERROR = 0.12
# Its 90 % profile interval may span this factor: ± 60 % about the middle.
WIDEST = 2.6
LEVEL = 0.9
# ln(D/N) that varies by less than this (a quarter) cannot tell N from D.
SMALLEST_RATIO_SPREAD = 0.22
FEWEST = 6
FEWEST_VALUES = 3
# ln of the floor over a typical loss from which on there is none.
ABSENT_FLOOR = -7.0
# Error of ln E from which on the floor may be none: its 90 % interval spans a factor e to both sides.
OPEN_FLOOR = 0.6
# An exponent whose error is larger than any exponent of a law is not known at all.
NO_ERROR = 1.0
# Exponents tried for the profile, relative to the fitted ones.
TRIED = np.geomspace(0.15, 5.0, 25)
# Residuals further than this many deviations off count less in the profile.
TRUSTED, FREE_ENOUGH = 2.5, 10
# Directions of this share of the largest singular value are not seen by the points; a constant takes part in one from this share on.
SINGULAR, MOVES = 1e-6, 1e-3
SURELY = 1e-3
# Share of the residuals' variance from which a structure matters: below it another form would predict hardly better.
SHARE = 0.3
COLUMNS = 2
CLIPPED = 4.0


def sensitivities(theta: Floats, x: Floats, y: Floats) -> Floats:
    """(n, 5) derivatives of ln L with respect to (e, a, b, alpha, beta) at centred logs x, y."""
    terms = np.stack([np.full_like(x, np.exp(theta[0])), np.exp(theta[1] - theta[3] * x), np.exp(theta[2] - theta[4] * y)], 1)
    e, n, d = (terms / terms.sum(1, keepdims=True)).T
    return np.stack([e, n, d, -x * n, -y * d], 1)


def centred_theta(points: LawPoints, law: Surface) -> tuple[Floats, Floats, Floats]:
    """The constants as (e, a, b, alpha, beta) about the centre of the points, and the points' ln N and ln D about it."""
    x, y = np.log(points.params), np.log(points.tokens)
    a, b = np.log(law.A) - law.alpha * x.mean(), np.log(law.B) - law.beta * y.mean()
    return np.array([np.log(max(law.E, 1e-12)), a, b, law.alpha, law.beta]), x - x.mean(), y - y.mean()


def undetermined(points: LawPoints, law: Surface) -> frozenset[str]:
    """Constants that can change without a change of any fitted loss, whatever the noise: resamples say nothing of them."""
    if not np.isfinite(law.alpha):
        return frozenset(CONSTANTS)
    theta, x, y = centred_theta(points.take(spread_over(len(points))), law)
    _, sizes, directions = np.linalg.svd(sensitivities(theta, x, y), full_matrices=False)
    loose = np.abs(directions[sizes < SINGULAR * sizes[0]]).max(0, initial=0.0) > MOVES
    if np.std(y - x) < SMALLEST_RATIO_SPREAD:
        loose[1:] = True
    for scale, exponent in ((1, 3), (2, 4)):
        flat = theta[exponent] <= LOWER[exponent] * (1 + 1e-9)
        loose[[scale, exponent]] |= flat or theta[exponent] >= UPPER[exponent]
        loose[0] |= flat
    return frozenset(name for name, free in zip(CONSTANTS, loose, strict=True) if free)


def distinct(points: LawPoints) -> int:
    """Number of different (N, D)."""
    order = np.lexsort((points.tokens, points.params))
    size, length = points.params[order], points.tokens[order]
    return int((len(size) > 0) + ((np.diff(size) != 0) | (np.diff(length) != 0)).sum())


def constant_errors(theta: Floats, x: Floats, y: Floats, noise: float) -> Floats:
    """(3,) linearised standard errors of ln E, alpha and beta for a relative noise per point; inf where the points do not determine one."""
    absent = int(theta[0] < ABSENT_FLOOR)
    slopes = sensitivities(theta, x, y)[:, absent:]
    left, sizes, _ = np.linalg.svd(slopes.T, full_matrices=False)
    spread = np.where(sizes > 1e-9 * sizes[0], noise / np.maximum(sizes, 1e-300), np.inf)
    with np.errstate(invalid="ignore"):
        errors = np.sqrt(np.nansum((left * spread) ** 2, 1))
    return np.array([np.inf if absent else errors[0], *errors[-2:]])


def profile_ranges(theta: Floats, x: Floats, y: Floats, z: Floats, weights: Floats, freedom: int) -> tuple[Floats, Floats]:
    """(low, high) of alpha and of beta over all laws whose squares stay within the limit of a 90 % interval."""
    from scipy.special import stdtrit

    alphas, betas = (np.clip(theta[k] * TRIED, 0.01, 4.0) for k in (3, 4))
    squares = np.maximum(unexplained(x, y, z, weights, alphas, betas), 0.0)
    limit = squares.min() * (1 + stdtrit(freedom, (1 + LEVEL) / 2) ** 2 / freedom) + 1e-18
    inside = squares <= limit
    of_alpha, of_beta = alphas[inside.any(1)], betas[inside.any(0)]
    return np.array([of_alpha.min(), of_alpha.max()]), np.array([of_beta.min(), of_beta.max()])


def judge(
    points: LawPoints, theta: Floats, x: Floats, y: Floats, z: Floats, residuals: Floats, noise: float, different: int
) -> tuple[SurfaceOutcome, str]:
    """The outcome of a fit and the numbers that decided; x, y, z centred logs, residuals of ln loss, `different` (N, D) in all."""
    ratios = np.log(points.tokens / points.params)
    freedom = max(different - 5, 1)
    errors = _for_freedom(constant_errors(theta, x, y, max(noise, 1e-4)), freedom)
    text = f"{_exponents(theta, errors[1:])} (noise {100 * noise:.2f} % per point, {different} configurations)"
    edge = (theta <= LOWER) | (theta >= UPPER)
    if edge[1:].any() and not points.falls:
        return SurfaceOutcome.NO_FALL, text
    if ratios.std() < SMALLEST_RATIO_SPREAD:
        return SurfaceOutcome.ONE_RATIO, f"tokens per parameter vary by only ± {100 * ratios.std():.0f} %; {text}"
    few_n, few_d = (len(np.unique(np.round(np.log(v), 2))) < FEWEST_VALUES for v in (points.params, points.tokens))
    if few_n or edge[1] or edge[3]:
        return SurfaceOutcome.PARAMS_NOT_IDENTIFIED, f"{text}; {_another_size(points)}"
    if few_d or edge[2] or edge[4]:
        return SurfaceOutcome.TOKENS_NOT_IDENTIFIED, f"{text}; {_another_length(points)}"
    # With a handful of degrees of freedom an outlier looks like noise: all count alike.
    scale = max(noise, 1e-4) if different - 5 >= FREE_ENOUGH else np.inf
    trust = np.minimum(1.0, TRUSTED * scale / np.maximum(np.abs(residuals), 1e-300))
    ranges = profile_ranges(theta, x, y, z, trust, freedom)
    return _by_ranges(points, theta, errors, ranges, text)


def _for_freedom(errors: Floats, freedom: int) -> Floats:
    """Standard errors that a normal interval would need to be as wide as the t interval of so few degrees of freedom."""
    from scipy.special import ndtri, stdtrit

    wider = float(stdtrit(freedom, (1 + LEVEL) / 2) / ndtri((1 + LEVEL) / 2))
    return np.asarray(errors * wider)


def _by_ranges(points: LawPoints, theta: Floats, errors: Floats, ranges: tuple[Floats, Floats], text: str) -> tuple[SurfaceOutcome, str]:
    factors = [float(r[1] / r[0]) for r in ranges]
    open_ = [factors[k] > WIDEST or errors[1 + k] > LARGEST_ERROR for k in (0, 1)]
    if any(open_):
        span = ", ".join(f"{name} {r[0]:.2f} to {r[1]:.2f}" for name, r in zip(("alpha", "beta"), ranges, strict=True))
        first = open_[0] and (not open_[1] or factors[0] >= factors[1])
        text = f"{text}; laws that fit as well have {span}; {_another_size(points) if first else _another_length(points)}"
        return (SurfaceOutcome.PARAMS_NOT_IDENTIFIED if first else SurfaceOutcome.TOKENS_NOT_IDENTIFIED), text
    if errors[0] > OPEN_FLOOR:
        floor = "" if theta[0] < ABSENT_FLOOR else f"; the error of E is {numbers.share(float(errors[0]))} of it"
        return SurfaceOutcome.FLOOR_AT_ZERO, text + floor
    return SurfaceOutcome.IDENTIFIED, text


def _another_size(points: LawPoints) -> str:
    size, length = points.params.min() / 4, float(np.median(points.tokens))
    return f"add a run of {numbers.count(size)} parameters on {numbers.count(length)} tokens"


def _another_length(points: LawPoints) -> str:
    size, length = float(np.median(points.params)), points.tokens.min() / 4
    return f"add a run of {numbers.count(size)} parameters on {numbers.count(length)} tokens"


def _exponents(theta: Floats, errors: Floats) -> str:
    if not np.isfinite(errors).all():
        return f"the points do not determine both alpha {theta[3]:.3f} and beta {theta[4]:.3f}"
    texts = [_with_error(float(value), float(error)) for value, error in zip(theta[3:], errors, strict=True)]
    return f"alpha {texts[0]}, beta {texts[1]}"


def _with_error(value: float, error: float) -> str:
    return numbers.OPEN if error > NO_ERROR else f"{value:.3f} ± {error:.3f}" if error >= 0.0005 else f"{value:.4f} ± {error:.1g}"


@dataclass(frozen=True)
class Structure:
    """Residuals that are not noise: what they follow, and the share of their variance that it explains."""

    against: str
    share: float

    def __str__(self) -> str:
        return f"{100 * self.share:.0f} % of the residuals' variance follows {self.against}"


def structure(slopes: Floats, x: Floats, y: Floats, residuals: Floats) -> Structure | None:
    """What residuals (n,) of ln loss follow beyond the law's own derivatives (n, 5), None where they look like noise."""
    from scipy.special import fdtrc

    freedom = len(x) - slopes.shape[1] - COLUMNS
    spread = robust_spread(residuals)
    if freedom < 4 or spread < 1e-9:
        return None
    base, _ = np.linalg.qr(slopes)
    left = np.clip(residuals, -CLIPPED * spread, CLIPPED * spread)
    left = left - base @ (base.T @ left)
    found: list[tuple[float, str]] = []
    for name, along in (("N", x), ("D", y), ("the ratio of tokens to parameters", y - x)):
        shape = np.stack([along**2, along**3], 1)
        shape = shape - base @ (base.T @ shape)
        directions, sizes, _ = np.linalg.svd(shape, full_matrices=False)
        known = np.flatnonzero(sizes > 1e-8 * max(float(along @ along), 1e-300))
        directions = directions[:, known]
        found.append((float(((directions.T @ left) ** 2).sum() / (left @ left)), name))
    share, name = max(found)
    surely = 3 * fdtrc(COLUMNS, freedom, share / COLUMNS / max((1 - share) / freedom, 1e-300)) < SURELY
    return Structure(name, share) if surely and share > SHARE else None
