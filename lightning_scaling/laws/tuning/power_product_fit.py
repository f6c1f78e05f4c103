"""ln y = ln scale + a·ln N + b·ln D through optima that are each known to their own error, with what their scatter adds.

A random-effects regression: the variance of an optimum is its own plus a common scatter about the law (Paule and Mandel 1982), and
intervals are those of Knapp and Hartung 2003 (Student's t, never narrower than the optima's own errors). Exponents that the optima cannot
separate are NaN and the outcome names the run to add.
"""

from dataclasses import dataclass

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.arrays import Floats
from lightning_scaling.laws.outcomes import HyperparameterOutcome
from lightning_scaling.printed import Printed, Rows

# ln N, ln D or ln(D/N) that varies by less than this (standard deviation) cannot show what a change of it does.
SMALLEST_SPREAD = 0.1
# Optima beyond the coefficients.
SPARE = 2
# An exponent whose interval reaches farther than this to both sides is open.
WIDEST = 0.5
# Share of the sweeps that end before their optimum, from which on the rest are a selection.
MANY_BOUNDS = 0.5


@dataclass(frozen=True, eq=False, repr=False)
class PowerProductFit(Printed):
    """y = scale · N^params_exponent · D^tokens_exponent.

    Args:
        quantity: what y is, "peak learning rate" or "batch (tokens)".
        scale: y at one parameter and one token; NaN where the outcome is a refusal.
        params_exponent, tokens_exponent: NaN where the optima do not separate them.
        intervals: {"params_exponent": (low, high), "tokens_exponent": …} at `level`.
        scatter: standard deviation of ln y of an optimum about the law, its own error left out.
        optima, bounds: how many sweeps were fitted, and how many ended before their optimum and were not.
        outcome: whether the exponents are identified, or what to add.
    """

    quantity: str
    scale: float
    params_exponent: float
    tokens_exponent: float
    intervals: dict[str, tuple[float, float]]
    level: float
    scatter: float
    optima: int
    bounds: int
    outcome: HyperparameterOutcome
    centre: Floats
    coefficients: Floats
    covariance: Floats
    reach: float

    @property
    def usable(self) -> bool:
        """Whether there is a law at all; `outcome` states what is missing."""
        return bool(np.isfinite(self.scale))

    def at(self, params: float, tokens: float) -> tuple[float, float, float]:
        """(value, low, high) for a new (N, D): the interval at `level` holds its best value, the scatter about the law included."""
        off = np.r_[1.0, np.log([params, tokens]) - self.centre]
        middle = float(off @ self.coefficients)
        spread = self.reach * float(np.sqrt(off @ self.covariance @ off + self.scatter**2))
        return float(np.exp(middle)), float(np.exp(middle - spread)), float(np.exp(middle + spread))

    def _sentence(self) -> str:
        return f"{self.quantity}: {self.outcome} ({self.optima} sweeps, {self.bounds} more end before their best value)."

    def _table(self) -> Rows:
        if not self.usable:
            return ()
        rows = [(name, getattr(self, f"{name}_exponent"), self.intervals[f"{name}_exponent"]) for name in ("params", "tokens")]
        head = (f"{self.quantity} ∝", "exponent", f"{numbers.share(self.level)} interval")
        return [head, *((f"{name}^", numbers.plain(value), numbers.between(*edges, numbers.plain)) for name, value, edges in rows)]


def fit_power_product(
    quantity: str, params: Floats, tokens: Floats, values: Floats, errors: Floats, bounds: int, level: float
) -> PowerProductFit:
    """The law through optima: params, tokens, values (n,) and the standard errors (n,) of ln values; `bounds` sweeps had none."""
    x = np.stack([np.log(params), np.log(tokens)], axis=1) if len(params) else np.zeros((0, 2))
    kept, outcome = _separable(x)
    if len(x) < 1 + len(kept) + SPARE:
        return _refused(quantity, len(x), bounds, level, HyperparameterOutcome.TOO_FEW_OPTIMA)
    centre = x.mean(0)
    design = np.hstack([np.ones((len(x), 1)), (x - centre)[:, kept]])
    found, covariance, scatter = _random_effects(design, np.log(values), errors)
    return _fitted(quantity, kept, found, covariance, scatter, centre, len(x), bounds, level, outcome)


def _separable(x: Floats) -> tuple[list[int], HyperparameterOutcome]:
    """Columns of (ln N, ln D) whose exponents the optima can show, and the outcome of what they cannot show."""
    spread = x.std(0) if len(x) else np.zeros(2)
    if spread.max() < SMALLEST_SPREAD:
        return [], HyperparameterOutcome.TOO_FEW_OPTIMA
    if spread.min() < SMALLEST_SPREAD:
        one_size = spread[0] < spread[1]
        return [1 if one_size else 0], HyperparameterOutcome.ONE_SIZE if one_size else HyperparameterOutcome.ONE_LENGTH
    if (x[:, 1] - x[:, 0]).std() < SMALLEST_SPREAD:
        return [0], HyperparameterOutcome.ONE_RATIO
    return [0, 1], HyperparameterOutcome.IDENTIFIED


def _random_effects(design: Floats, y: Floats, errors: Floats) -> tuple[Floats, Floats, float]:
    """Coefficients, their covariance and the scatter, which makes the weighted squares equal to their degrees of freedom."""
    freedom = len(y) - design.shape[1]
    own = np.maximum(errors, 1e-6) ** 2

    def solved(scatter: float) -> tuple[Floats, Floats, float]:
        weight = 1 / (own + scatter)
        inverse: Floats = np.asarray(np.linalg.inv(design.T @ (design * weight[:, None])), dtype=np.float64)
        found = inverse @ (design.T @ (weight * y))
        return found, inverse, float(weight @ (y - design @ found) ** 2) / freedom

    low, high = 0.0, float(np.var(y)) + 1e-12
    if solved(0.0)[2] > 1:
        for _ in range(60):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if solved(middle)[2] > 1 else (low, middle)
    else:
        high = 0.0
    found, inverse, ratio = solved(high)
    return found, np.asarray(inverse * max(ratio, 1.0), dtype=np.float64), float(np.sqrt(high))


def _fitted(
    quantity: str,
    kept: list[int],
    found: Floats,
    covariance: Floats,
    scatter: float,
    centre: Floats,
    optima: int,
    bounds: int,
    level: float,
    outcome: HyperparameterOutcome,
) -> PowerProductFit:
    from scipy.special import stdtrit

    reach = float(stdtrit(optima - len(found), (1 + level) / 2))
    place = [0, *(1 + k for k in kept)]
    coefficients, spread = np.zeros(3), np.zeros((3, 3))
    coefficients[place], spread[np.ix_(place, place)] = found, covariance
    exponents, half = np.full(2, np.nan), np.full(2, np.nan)
    exponents[kept], half[kept] = found[1:], reach * np.sqrt(np.diag(covariance))[1:]
    names = ("params_exponent", "tokens_exponent")
    intervals = {name: (float(e - h), float(e + h)) for name, e, h in zip(names, exponents, half, strict=True)}
    if outcome is HyperparameterOutcome.IDENTIFIED and np.nanmax(half) > WIDEST:
        outcome = HyperparameterOutcome.EXPONENTS_OPEN
    if outcome is HyperparameterOutcome.IDENTIFIED and bounds >= MANY_BOUNDS * (optima + bounds):
        outcome = HyperparameterOutcome.AT_EDGE
    scale = float(np.exp(coefficients[0] - coefficients[1:] @ centre))
    return PowerProductFit(
        quantity, scale, float(exponents[0]), float(exponents[1]), intervals, level, scatter, optima, bounds, outcome,
        centre, coefficients, spread, reach,
    )  # fmt: skip


def _refused(quantity: str, optima: int, bounds: int, level: float, outcome: HyperparameterOutcome) -> PowerProductFit:
    nan = float("nan")
    none = {"params_exponent": (nan, nan), "tokens_exponent": (nan, nan)}
    nothing = np.full(3, nan)
    return PowerProductFit(
        quantity, nan, nan, nan, none, level, nan, optima, bounds, outcome, np.zeros(2), nothing, np.full((3, 3), nan), nan
    )  # fmt: skip
