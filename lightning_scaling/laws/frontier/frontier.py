"""The law of final loss over compute across runs: L(C) = k·C^-g, and with an irreducible loss L(C) = L_inf + (C0/C)^alpha.

Kaplan et al. 2020 (eq. 1.3) draw the first, Henighan et al. 2020 the second; GPT-4's L = a·C^b + c is the second too. Both are fitted to
all runs given. With a handful of runs the floor is seldom identified, so predictions come from the first unless asked otherwise.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from lightning_scaling import numbers
from lightning_scaling.arrays import Floats
from lightning_scaling.laws.outcomes import Answer, FrontierOutcome, answer
from lightning_scaling.laws.points import positive
from lightning_scaling.printed import Printed, Rows

Form = Literal["power", "floor"]
EXPONENTS = np.geomspace(0.01, 1.5, 600)
# ln of a scale beyond which no float holds it: of a loss that falls by less than a thousandth in an e-fold of compute.
STEEPEST = 700.0
# Variance of ln loss that is rounding alone.
FLAT = 1e-24


@dataclass(frozen=True, eq=False, repr=False)
class FrontierFit(Printed):
    """A law of loss over compute.

    Args:
        flops, loss: (n,) what was fitted, in order of compute.
        exponent, scale: L = (scale/C)^exponent, scale in FLOPs; exponent_interval at `level`.
        r_squared: of log loss on log compute, over all runs.
        floor, floor_scale, floor_exponent: L = floor + (floor_scale/C)^floor_exponent; floor_interval at `level`.
        spread: relative standard deviation of a run about the power law.
        outcome: whether the floor is identified.
    """

    flops: Floats
    loss: Floats
    level: float
    exponent: float
    exponent_interval: tuple[float, float]
    scale: float
    r_squared: float
    spread: float
    floor: float
    floor_interval: tuple[float, float]
    floor_scale: float
    floor_exponent: float
    outcome: FrontierOutcome

    def _sentence(self) -> str:
        if not self.falls:
            return f"No law of loss over compute from {len(self.flops)} runs: {self.outcome}."
        law = f"({numbers.scientific(self.scale)}/C)^{numbers.plain(self.exponent)}"
        if self.floor_identified:
            scale, exponent = numbers.scientific(self.floor_scale), numbers.plain(self.floor_exponent)
            law = f"{numbers.loss(self.floor)} + ({scale}/C)^{exponent}"
        return f"L(C) = {law} over {len(self.flops)} runs, R² {self.r_squared:.4f}: {self.outcome}."

    def _table(self) -> Rows:
        if not self.falls:
            return ()
        head = ("", "value", f"{numbers.share(self.level)} interval")
        exponent = ("exponent", numbers.plain(self.exponent), numbers.between(*self.exponent_interval, numbers.plain))
        floor = ("floor", numbers.loss(self.floor), numbers.between(*self.floor_interval))
        return [head, exponent, floor] if self.floor_identified else [head, exponent]

    @property
    def usable(self) -> Answer:
        """Whether the fit has constants at all."""
        return answer(bool(np.isfinite(self.exponent)), self.outcome)

    @property
    def falls(self) -> Answer:
        """Whether the loss falls with compute."""
        return answer(self.outcome in (FrontierOutcome.FITTED, FrontierOutcome.FLOOR_NOT_IDENTIFIED), self.outcome)

    @property
    def floor_identified(self) -> Answer:
        """Whether the runs tell the irreducible loss from zero; without it the law is a straight line in logs."""
        return answer(self.outcome is FrontierOutcome.FITTED, self.outcome)

    def expected(self, flops: Any) -> tuple[Any, Any, Any]:
        """(loss, low, high) of one new run at `flops`, by the form that the runs support.

        The interval is the straight line's prediction interval: its relative widths, carried over to the form with a floor.
        """
        straight, loss = self.predict(flops), self.predict(flops, "floor" if self.floor_identified else "power")
        low, high = self.band(flops)
        return loss, low * (loss / straight), high * (loss / straight)

    def predict(self, flops: Any, form: Form = "power") -> Any:
        """Loss at `flops` by the power law, or by the one with a floor."""
        compute = np.asarray(flops, dtype=np.float64)
        if form == "power":
            value = (self.scale / compute) ** self.exponent
        else:
            value = self.floor + (self.floor_scale / compute) ** self.floor_exponent
        return float(value) if np.ndim(flops) == 0 else value

    def band(self, flops: Any, level: float | None = None) -> tuple[Any, Any]:
        """(low, high) for one new run at `flops` (a prediction interval of the regression in logs)."""
        x = np.log(self.flops)
        away = np.log(np.asarray(flops, dtype=np.float64)) - x.mean()
        width = self.spread * np.sqrt(1 + 1 / len(x) + away**2 / ((x - x.mean()) ** 2).sum())
        width = _quantile(level or self.level, len(x) - 2) * width
        middle = self.predict(flops)
        return middle * np.exp(-width), middle * np.exp(width)


def fit_frontier(flops: ArrayLike, loss: ArrayLike, level: float = 0.9) -> FrontierFit:
    """The law of final loss over compute of runs at (or near) their best size.

    Args:
        flops, loss: (n,) training FLOPs and final loss of each run; all enter, none is dropped.
        level: of the intervals.

    >>> C = np.array([1e15, 1e16, 1e17, 1e18])
    >>> law = fit_frontier(C, 1.5 + (1e15 / C) ** 0.2)
    >>> round(law.floor, 3), law.outcome.name
    (1.5, 'FITTED')
    """
    compute, losses = positive("flops", flops), positive("loss", loss)
    if len(compute) != len(losses):
        raise ValueError(f"flops and loss must have equal length, got {len(compute)} and {len(losses)}")
    order = np.argsort(compute)
    compute, losses = compute[order], losses[order]
    if len(np.unique(compute)) < 3:
        return _too_few(compute, losses, level)
    return _fit(compute, losses, level)


def _fit(compute: Floats, losses: Floats, level: float) -> FrontierFit:
    x, y = np.log(compute), np.log(losses)
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    misses = y - y.mean() - slope * centred
    total = float(((y - y.mean()) ** 2).sum())
    r_squared = 1 - float(misses @ misses) / total if total > FLAT * len(y) else float("nan")
    spread = float(np.sqrt(misses @ misses / (len(x) - 2)))
    error = _quantile(level, len(x) - 2) * spread / np.sqrt(centred @ centred)
    log_scale = x.mean() - y.mean() / slope if slope else np.inf
    steep = bool(abs(log_scale) < STEEPEST)
    scale = float(np.exp(log_scale)) if steep else float("nan")
    floor, interval, floor_scale, floor_exponent = _with_floor(x, losses, level)
    bounds = (-slope - float(error), -slope + float(error))
    known = interval[0] > 0.02 * losses.min() and bounds[0] > 0
    outcome = FrontierOutcome.FITTED if known else FrontierOutcome.FLOOR_NOT_IDENTIFIED
    outcome = FrontierOutcome.NO_FALL if slope >= 0 or not steep or total <= FLAT * len(y) else outcome
    return FrontierFit(
        compute, losses, level, -slope, bounds, scale, r_squared, spread, floor, interval, floor_scale, floor_exponent, outcome
    )


def _with_floor(x: Floats, losses: Floats, level: float) -> tuple[float, tuple[float, float], float, float]:
    """(L_inf, its interval, C0, alpha): for each alpha the law is linear in (L_inf, scale); the interval is where the profile stays low."""
    floors, _, misses = _profile(x, losses, EXPONENTS)
    alphas, low = EXPONENTS, int(np.argmin(misses))
    for _ in range(3):
        alphas = np.linspace(alphas[max(low - 1, 0)], alphas[min(low + 1, len(alphas) - 1)], 101)
        finer = _profile(x, losses, alphas)
        low = int(np.argmin(finer[2]))
    floor, scale, least = (float(v[low]) for v in finer)
    freedom = max(len(x) - 3, 1)
    limit = least * (1 + _quantile(level, freedom) ** 2 / freedom) + 1e-20
    inside = np.append(floors[misses <= limit], floor)
    alpha = float(alphas[low])
    return floor, (float(inside.min()), float(inside.max())), float(np.exp(x.mean() + np.log(max(scale, 1e-300)) / alpha)), alpha


def _profile(x: Floats, losses: Floats, alphas: Floats) -> tuple[Floats, Floats, Floats]:
    """Floor, scale at the mean of x, and squared relative misfit for each exponent; floors stay between zero and the lowest loss."""
    power, flat = np.exp(-alphas[:, None] * (x - x.mean())) / losses, 1.0 / losses
    both, square, right = power @ flat, (power**2).sum(1), power.sum(1)
    determinant = np.maximum(flat @ flat * square - both**2, 1e-300)
    floors = np.clip((square * flat.sum() - both * right) / determinant, 0.0, 0.999 * losses.min())
    scales = (right - floors * both) / square
    misses = ((floors[:, None] * flat + scales[:, None] * power - 1) ** 2).sum(1)
    return floors, scales, np.where(scales > 0, misses, np.inf)


def _quantile(level: float, freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(max(freedom, 1), (1 + level) / 2))


def _too_few(compute: Floats, losses: Floats, level: float) -> FrontierFit:
    nan = float("nan")
    return FrontierFit(compute, losses, level, nan, (nan, nan), nan, nan, nan, nan, (nan, nan), nan, nan, FrontierOutcome.TOO_FEW_POINTS)
