"""The law of one variable L(x) = L_inf + (x0/x)^alpha (Henighan et al. 2020, arXiv 2010.14701): floor, scale and exponent of a curve.

For a given alpha the law is linear, so alpha is scanned and the other two are solved for (variable projection); nothing depends on a start.
Intervals come from the same scan: each alpha weighs by its likelihood under the scatter found, each with its own normal for the floor.
"""

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from lightning_scaling import numbers
from lightning_scaling.arrays import Floats, robust_spread
from lightning_scaling.outcome import Outcome
from lightning_scaling.printed import Printed
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord
from lightning_scaling.units import pf_days

ALPHAS = np.geomspace(0.01, 5.0, 96)
FINE = 160  # alphas over the likely range
UNLIKELY = 16.0  # log likelihood below the best, beyond which an alpha is left out
NEGLIGIBLE = 0.01  # a floor whose lower bound is this share of it is none
ROUNDS = 4  # of reweighing by Huber's weights
HUBER = 1.345  # robust standard deviations, 95 % efficient on normal noise (Huber 1964)
MOST = 400  # points; longer curves are averaged on a logarithmic grid


class PowerOutcome(Outcome):
    """What the fit found."""

    FITTED = "a floor and an exponent were found"
    NO_FLOOR = "the curve shows no floor yet: a pure power law explains it as well, and the floor is only known to be below its upper bound"
    NOT_FALLING = "the loss does not fall: no power law describes it"
    TOO_FEW_POINTS = "fewer than five finite points: three constants need more"


@dataclass(frozen=True, repr=False)
class PowerLaw(Printed):
    """A fitted L(x) = floor + (scale/x)^exponent, with an interval for each constant.

    Args:
        floor, scale, exponent: L_inf (unit of the loss), x0 (unit of x), alpha. NaN where the outcome is a refusal.
        intervals: {"floor": (low, high), "exponent": …, "scale": …} at `level`.
        scatter: robust standard deviation of the points about the law, unit of the loss.
        r_squared: share of the loss's variance that the law explains; NaN where the outcome is a refusal.
        unit: of x: "FLOPs", "tokens" or empty; for the words only.
    """

    floor: float
    scale: float
    exponent: float
    intervals: dict[str, tuple[float, float]]
    level: float
    scatter: float
    points: int
    outcome: PowerOutcome
    r_squared: float = float("nan")
    unit: str = ""

    @property
    def identified(self) -> bool:
        """Whether floor, scale and exponent are all known; where they are not, `outcome` states what is missing."""
        return self.outcome is PowerOutcome.FITTED

    def _sentence(self) -> str:
        if math.isnan(self.exponent):
            return f"no power law yet: {self.outcome}"
        scale = numbers.pf_days(pf_days(self.scale)) if self.unit == "FLOPs" else f"{numbers.scientific(self.scale)} {self.unit}".strip()
        variable = "C" if self.unit == "FLOPs" else "D" if self.unit == "tokens" else "x"
        floor = f"{numbers.loss(self.floor)} + " if self.floor else ""
        law = f"L({variable}) = {floor}({scale} / {variable})^{numbers.plain(self.exponent)}"
        text = f"{law}, R² {self.r_squared:.4f}"
        return text if self.identified else f"{text}; {self.outcome}"

    def predict(self, x: ArrayLike) -> Any:
        """The loss at `x` (scalar or array)."""
        value = self.floor + (self.scale / np.asarray(x, dtype=np.float64)) ** self.exponent
        return float(value) if np.ndim(value) == 0 else value


@dataclass(frozen=True, eq=False)
class Scan:
    """Solutions for every alpha: floor, its standard error, rise above it at x = 1, sum of weighted squares."""

    floor: Floats
    floor_error: Floats
    rise: Floats
    squares: Floats


def fit_power(x: ArrayLike, loss: ArrayLike, level: float = 0.9, unit: str = "") -> PowerLaw:
    """Fit the law robustly; spikes and NaN do not move it, and scaling `x` or `loss` scales the answer.

    Args:
        x: (n,) tokens, compute or size, positive.
        loss: (n,) loss, any unit; points that are not finite are left out.
        level: of the intervals.
        unit: of x, for the words.

    Raises:
        ValueError: unequal lengths, or an x that is not positive.

    >>> x = [1e6, 2e6, 4e6, 8e6, 1.6e7, 3.2e7]
    >>> law = fit_power(x, [2 + (1e5 / v) ** 0.5 for v in x])
    >>> round(law.floor, 3), round(law.exponent, 3)
    (2.0, 0.5)
    """
    x, loss = _clean(x, loss)
    if len(x) < 5:
        return _refusal(level, len(x), PowerOutcome.TOO_FEW_POINTS)
    reach, size = float(x[-1]), float(np.median(np.abs(loss))) or 1.0
    u, y = _thin(x / reach, loss / size)
    weight, sigma, near = _robust(u, y)
    found = scan(u ** -near[:, None], y, weight, floored=y.min() > 0)
    best = int(np.argmin(found.squares))
    if found.rise[best] <= 0 or np.ptp(y) == 0:
        return _refusal(level, len(x), PowerOutcome.NOT_FALLING)
    sharp = near[max(best - 1, 0)] * (near[min(best + 1, len(near) - 1)] / near[max(best - 1, 0)]) ** np.linspace(0, 1, 101)
    exact = scan(u ** -sharp[:, None], y, weight, floored=y.min() > 0)
    i = int(np.argmin(exact.squares))
    point = (float(exact.floor[i]), float(exact.rise[i]), float(sharp[i]))
    law = _law(found, near, point, sigma, reach, size, level, len(x))
    return replace(law, r_squared=_explained(law, x, loss), unit=unit)


def _explained(law: PowerLaw, x: Floats, loss: Floats) -> float:
    """R² of the law, with points beyond four robust deviations (spikes) left out."""
    off = loss - law.predict(x)
    kept = np.abs(off) <= 4 * max(law.scatter, 1e-12 * float(np.abs(loss).max()))
    spread = float(np.var(loss[kept])) if kept.any() else 0.0
    return 1.0 - float(np.mean(off[kept] ** 2)) / spread if spread else float("nan")


def _clean(x: ArrayLike, loss: ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.atleast_1d(np.asarray(x, dtype=np.float64)), np.atleast_1d(np.asarray(loss, dtype=np.float64))
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"x and loss must be one-dimensional and of equal length, got shapes {a.shape} and {b.shape}")
    keep = np.isfinite(a) & np.isfinite(b)
    if (a[keep] <= 0).any():
        raise ValueError("x must be positive: it is tokens, compute or size")
    order = np.argsort(a[keep], kind="stable")
    return a[keep][order], b[keep][order]


def _thin(u: Floats, y: Floats) -> tuple[Floats, Floats]:
    if len(u) <= MOST:
        return u, y
    group = np.unique(np.floor(np.log(u / u[0]) / np.log(u[-1] / u[0]) * (MOST - 1)), return_inverse=True)[1]
    cuts = np.r_[np.flatnonzero(np.diff(group, prepend=-1)), len(u)]
    middle = [np.median(y[a:b]) for a, b in pairwise(cuts.tolist())]
    return np.bincount(group, u) / np.bincount(group), np.array(middle)


def _robust(u: Floats, y: Floats) -> tuple[Floats, float, Floats]:
    """Huber weights that settle with the residuals of the best alpha, the scatter, and a fine grid over the alphas that remain likely."""
    powers, weight, sigma = u ** -ALPHAS[:, None], np.ones_like(y), 1.0
    for _ in range(ROUNDS):
        found = scan(powers, y, weight, floored=y.min() > 0)
        best = int(np.argmin(found.squares))
        off = np.abs(y - found.floor[best] - found.rise[best] * powers[best])
        sigma = max(robust_spread(off) * np.sqrt(len(y) / (len(y) - 3)), 1e-9)
        weight = np.minimum(1.0, HUBER * sigma / np.maximum(off, 1e-300))
    likely = np.flatnonzero(found.squares - found.squares[best] < 2 * sigma**2 * UNLIKELY)
    low, high = ALPHAS[max(likely[0] - 1, 0)], ALPHAS[min(likely[-1] + 1, len(ALPHAS) - 1)]
    return weight, sigma, np.geomspace(low, high, FINE)


def scan(powers: Floats, y: Floats, weight: Floats, floored: bool = True) -> Scan:
    """Weighted least squares of y (n,) on (1, u^-alpha) for every row of `powers` (a, n); `floored` holds a floor below zero at zero."""
    total, mean_y = weight.sum(), (weight @ y) / weight.sum()
    mean_p = powers @ weight / total
    centred = powers - mean_p[:, None]
    spread = np.maximum((centred**2) @ weight, 1e-300)
    rise = (centred * (y - mean_y)) @ weight / spread
    floor = mean_y - rise * mean_p
    low = (floor < 0) & floored
    rise = np.where(low, (powers * y) @ weight / ((powers**2) @ weight), rise)
    floor = np.where(low, 0.0, floor)
    squares = ((y - floor[:, None] - rise[:, None] * powers) ** 2) @ weight
    return Scan(floor, np.sqrt(1 / total + mean_p**2 / spread), rise, squares)


def _law(
    found: Scan, alphas: Floats, point: tuple[float, float, float], sigma: float, unit: float, size: float, level: float, points: int
) -> PowerLaw:
    floor, rise, alpha = point
    chance = np.exp(-(found.squares - found.squares.min()) / (2 * sigma**2)) * (found.rise > 0)
    chance = chance / chance.sum()
    shares = ((1 - level) / 2, (1 + level) / 2)
    low, high = _floor_interval(found, chance, sigma, shares)
    cumulative = np.cumsum(chance) - chance / 2
    exponent = [float(np.interp(q, cumulative, alphas)) for q in shares]
    return PowerLaw(
        floor=floor * size,
        scale=unit * (rise * size) ** (1 / alpha),
        exponent=alpha,
        intervals={
            "floor": (low * size, high * size),
            "exponent": (exponent[0], exponent[1]),
            "scale": _scale_interval(found, alphas, chance, unit, size, shares),
        },
        level=level,
        scatter=sigma * size,
        points=points,
        outcome=PowerOutcome.NO_FLOOR if floor <= 0 or low <= NEGLIGIBLE * floor else PowerOutcome.FITTED,
    )


def _scale_interval(
    found: Scan, alphas: Floats, chance: Floats, unit: float, size: float, shares: tuple[float, float]
) -> tuple[float, float]:
    """The scale that goes with each alpha, weighed by its likelihood."""
    keep = (chance > 1e-6) & (found.rise > 0)
    logs = np.log(unit) + np.log(found.rise[keep] * size) / alphas[keep]
    order = np.argsort(logs)
    cumulative = np.cumsum(chance[keep][order]) - chance[keep][order] / 2
    low, high = (float(np.exp(np.interp(q, cumulative, logs[order]))) for q in shares)
    return low, high


def _floor_interval(found: Scan, chance: Floats, sigma: float, shares: tuple[float, float]) -> tuple[float, float]:
    keep = chance > 1e-6
    centre, error, chance = found.floor[keep], np.maximum(sigma * found.floor_error[keep], 1e-12), chance[keep]
    values = np.linspace(max((centre - 4 * error).min(), 0.0), (centre + 4 * error).max(), 400)
    below = chance @ ndtr((values - centre[:, None]) / error[:, None])
    low, high = (float(np.interp(q, below, values)) for q in shares)
    return low, high


def _refusal(level: float, points: int, outcome: PowerOutcome) -> PowerLaw:
    nan = float("nan")
    return PowerLaw(nan, nan, nan, {"floor": (nan, nan), "exponent": (nan, nan), "scale": (nan, nan)}, level, nan, points, outcome)


def fit_power_law(run: Curve | RunRecord, x: Literal["compute", "tokens"] = "compute", level: float = 0.9) -> PowerLaw:
    """Fit the power law of a run: L(C) = L_inf + (C0/C)^alpha over its compute, or the same over its tokens.

    It describes what was seen. While the learning rate has still to fall, its end is 3 to 5 % too high (measured on published runs at a
    fifth to half of their length): `forecast` knows the schedule and is the one to act on.

    Args:
        run: a curve (6·N·D FLOPs, N being its `params`), or a record (FLOPs as they were counted).
        x: "compute" in FLOPs, or "tokens".
        level: of the intervals.

    Raises:
        ValueError: another x, or a curve without `params` over compute.
        TypeError: neither a curve nor a record.

    >>> tokens = [1e6 * 2**k for k in range(12)]
    >>> print(fit_power_law(Curve(tokens, [2 + (1e5 / t) ** 0.5 for t in tokens]), x="tokens"))
    L(D) = 2.000 + (1e5 tokens / D)^0.5, R² 1.0000
    """
    if not isinstance(run, Curve | RunRecord):
        raise TypeError(
            f"fit_power_law takes a Curve or a RunRecord, got {type(run).__name__}: make one with Curve(tokens, loss, params=N)"
        )
    if x not in ("compute", "tokens"):
        raise ValueError(f"x is 'compute' or 'tokens', got {x!r}")
    curve = run.curve if isinstance(run, RunRecord) else run
    values: Floats = curve.tokens if x == "tokens" else run.flops
    return fit_power(values, curve.loss, level, "tokens" if x == "tokens" else "FLOPs")
