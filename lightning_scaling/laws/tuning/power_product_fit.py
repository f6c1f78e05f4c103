"""ln y = ln scale + a·ln N + b·ln D through optima that are each known to their own error, with what their scatter adds.

A random-effects regression: the variance of an optimum is its own plus a common scatter about the law (Paule and Mandel 1982), and
intervals are those of Knapp and Hartung 2003 (Student's t, never narrower than the optima's own errors). Exponents that the optima cannot
separate are NaN and the outcome names the run to add.
"""

from dataclasses import dataclass, field

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
EXPONENTS = ("params_exponent", "tokens_exponent")


@dataclass(frozen=True, eq=False, repr=False)
class PowerProductFit(Printed):
    """y = scale · N^params_exponent · D^tokens_exponent.

    Args:
        quantity: what y is, "peak learning rate" or "batch (tokens)".
        level: of the intervals.
        optima, bounds: how many sweeps were fitted, and how many ended before their optimum and were not.
        outcome: whether the exponents are identified, or what to add.
        separated: whether the optima show the exponent of N, of D; one that they do not show is NaN.
        coefficients, covariance: (3,) and (3, 3) of 1, ln N and ln D about `centre` (2,); NaN where the outcome is a refusal.
        scatter: standard deviation of ln y of an optimum about the law, its own error left out.
        reach: Student's t at `level`.
    """

    quantity: str
    level: float
    optima: int
    bounds: int
    outcome: HyperparameterOutcome
    separated: tuple[bool, bool] = (False, False)
    centre: Floats = field(default_factory=lambda: np.zeros(2))
    coefficients: Floats = field(default_factory=lambda: np.full(3, np.nan))
    covariance: Floats = field(default_factory=lambda: np.full((3, 3), np.nan))
    scatter: float = float("nan")
    reach: float = float("nan")

    @property
    def scale(self) -> float:
        """y at one parameter and one token; NaN where the outcome is a refusal."""
        return float(np.exp(self.coefficients[0] - self.coefficients[1:] @ self.centre))

    @property
    def params_exponent(self) -> float:
        """Exponent of N; NaN where the optima do not show it."""
        return float(self.coefficients[1]) if self.separated[0] else float("nan")

    @property
    def tokens_exponent(self) -> float:
        """Exponent of D; NaN where the optima do not show it."""
        return float(self.coefficients[2]) if self.separated[1] else float("nan")

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """{"params_exponent": (low, high), "tokens_exponent": …} at `level`."""
        half = self.reach * np.sqrt(np.diag(self.covariance))[1:]
        return {name: (getattr(self, name) - float(h), getattr(self, name) + float(h)) for name, h in zip(EXPONENTS, half, strict=True)}

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
        rows = [(name, getattr(self, name), edges) for name, edges in self.intervals.items()]
        head = (f"{self.quantity} ∝", "exponent", f"{numbers.share(self.level)} interval")
        named = ((name.removesuffix("_exponent"), value, edges) for name, value, edges in rows)
        return [head, *((f"{name}^", numbers.plain(value), numbers.between(*edges, numbers.plain)) for name, value, edges in named)]


def fit_power_product(
    quantity: str, params: Floats, tokens: Floats, values: Floats, errors: Floats, bounds: int, level: float
) -> PowerProductFit:
    """The law through optima: params, tokens, values (n,) and the standard errors (n,) of ln values; `bounds` sweeps had none."""
    from scipy.special import stdtrit

    x = np.stack([np.log(params), np.log(tokens)], axis=1) if len(params) else np.zeros((0, 2))
    kept, outcome = _separable(x)
    if len(x) < 1 + len(kept) + SPARE:
        return PowerProductFit(quantity, level, len(x), bounds, HyperparameterOutcome.TOO_FEW_OPTIMA)
    centre, place = x.mean(0), [0, *(1 + k for k in kept)]
    design = np.hstack([np.ones((len(x), 1)), (x - centre)[:, kept]])
    coefficients, covariance = np.zeros(3), np.zeros((3, 3))
    coefficients[place], covariance[np.ix_(place, place)], scatter = _random_effects(design, np.log(values), errors)
    reach = float(stdtrit(len(x) - len(place), (1 + level) / 2))
    if outcome is HyperparameterOutcome.IDENTIFIED:
        outcome = _judged(reach * np.sqrt(np.diag(covariance)[1:]), len(x), bounds)
    return PowerProductFit(
        quantity, level, len(x), bounds, outcome, (0 in kept, 1 in kept), centre, coefficients, covariance, scatter, reach
    )


def _judged(half: Floats, optima: int, bounds: int) -> HyperparameterOutcome:
    if half.max() > WIDEST:
        return HyperparameterOutcome.EXPONENTS_OPEN
    return HyperparameterOutcome.AT_EDGE if bounds >= MANY_BOUNDS * (optima + bounds) else HyperparameterOutcome.IDENTIFIED


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
