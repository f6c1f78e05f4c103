"""What a report says of a law: each quantity with its value, its interval and what it means, for terminal and page alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.report.reading import Aim, law_name, optimum_interval, with_floor
from lightning_scaling.report.rows import RunRow

LEVEL = 0.9
_SURFACE = (
    ("E", "E", "irreducible loss, below which no size and no amount of data leads"),
    ("A", "A", "scale of the term of N"),
    ("B", "B", "scale of the term of D"),
    ("alpha", "alpha", "how fast the loss falls with N"),
    ("beta", "beta", "how fast the loss falls with D"),
    ("a", "N_exponent", "N_opt ∝ C^a"),
    ("b", "D_exponent", "D_opt ∝ C^b"),
)
_STRAIGHT = (
    ("g", "exponent", "of L = (C0/C)^g: how fast the loss falls with compute"),
    ("C0", "scale", "of that law, in FLOPs"),
    ("R²", "r_squared", "of log loss on log compute"),
    ("spread", "spread", "relative standard deviation of a run about that law"),
)
_WITH_FLOOR = (
    ("L_inf", "floor", "irreducible loss of L = L_inf + (C0/C)^g"),
    ("g", "floor_exponent", "how fast the reducible loss falls with compute"),
    ("C0", "floor_scale", "of that law, in FLOPs"),
    ("R²", "r_squared", "of the straight line through log loss on log compute"),
    ("slope", "exponent", "of that straight line, L ∝ C^-slope"),
)


@dataclass(frozen=True)
class Line:
    """One quantity: its name, value and interval as text, and its meaning."""

    name: str
    value: str
    interval: str
    meaning: str


def surface_lines(law: Any, level: float = LEVEL) -> list[Line]:
    """The constants of L(N, D) that `law` has, intervals where it was resampled."""
    return _lines(law, _SURFACE, level)


def frontier_lines(frontier: Any, level: float = LEVEL) -> list[Line]:
    """The constants of the law of loss over compute."""
    return _lines(frontier, _WITH_FLOOR if with_floor(frontier) else _STRAIGHT, level)


def _lines(law: Any, quantities: Sequence[tuple[str, str, str]], level: float) -> list[Line]:
    known = [(sign, name, meaning) for sign, name, meaning in quantities if _number(law, name) is not None]
    return [Line(sign, numbers.plain(_number(law, name)), _interval(law, name, level), meaning) for sign, name, meaning in known]


@dataclass(frozen=True)
class Allocation:
    """The best use of a budget by one law, as text."""

    law: str
    budget: str
    flops: float
    params: str
    params_interval: str
    tokens: str
    tokens_interval: str
    tokens_per_param: str
    loss: str
    loss_interval: str

    @property
    def compute(self) -> str:
        """The budget in FLOPs."""
        return numbers.scientific(self.flops)


def allocation(law: Any, flops: float, budget: str) -> Allocation:
    """N_opt, D_opt and their loss at `flops`; a published law has no intervals, and its loss (of other data and tokens) is not told."""
    best = law.optimum(flops)
    loss = None if hasattr(law, "provenance") else best.loss
    return Allocation(
        law=law_name(law),
        budget=budget,
        flops=flops,
        params=numbers.count(best.params),
        params_interval=_bounded(*optimum_interval(best, "params"), numbers.count),
        tokens=numbers.count(best.tokens),
        tokens_interval=_bounded(*optimum_interval(best, "tokens"), numbers.count),
        tokens_per_param=numbers.count(best.tokens / best.params),
        loss=numbers.loss(loss),
        loss_interval=numbers.between(*optimum_interval(best, "loss"), numbers.loss),
    )


def allocations(runs: Sequence[RunRow], law: Any, beside: Sequence[Any] = ()) -> list[Allocation]:
    """For each budget the fitted law; for the larger one also those beside it that place an optimum."""
    found = []
    for rank, (flops, budget) in enumerate(budgets(runs)):
        for each in (law, *(beside if rank else ())):
            try:
                found.append(allocation(each, flops, budget))
            except ValueError:
                continue  # a proportion without an anchor places none
    return found


def budgets(runs: Sequence[RunRow]) -> list[tuple[float, str]]:
    """The compute of the largest run and ten times that; none without a counted run."""
    most = max((r.flops for r in runs), default=0.0)
    return [(most, "the largest run"), (10 * most, "ten times as much")] if most > 0 else []


def prediction_lines(aim: Aim) -> list[Line]:
    """The held-out prediction against what came."""
    words = f"from the smaller runs alone, {100 * aim.level:.0f} % interval"
    made = Line("predicted", numbers.loss(aim.loss), numbers.between(aim.low, aim.high), words)
    if not np.isfinite(aim.came):
        return [made]
    came = Line("came", numbers.loss(aim.came), "", "inside the interval" if aim.inside else "OUTSIDE the interval")
    error = Line("error", numbers.percent(aim.error), "", _beyond(aim))
    return [made, came, error]


def _beyond(aim: Aim) -> str:
    return f"extrapolated {numbers.count(aim.beyond)}× beyond their compute" if np.isfinite(aim.beyond) else ""


def _number(law: Any, name: str) -> float | None:
    value = getattr(law, name, None)
    if value is None and hasattr(law, "surface"):
        value = getattr(law.surface, name, None)
    return None if value is None or not np.isfinite(value) else float(value)


def _interval(law: Any, name: str, level: float) -> str:
    """A law that was not resampled has no intervals, and says so by an error of its own."""
    told = getattr(law, f"{name}_interval", None)
    try:
        low, high = law.interval(name, level) if told is None else told
    except (AttributeError, KeyError, TypeError, ValueError):
        return numbers.ABSENT
    low = 0.0 if name in ("E", "floor") and low < 1e-3 * high else low  # a floor that may be none
    return _bounded(low, high, numbers.plain)


def _bounded(low: float | None, high: float | None, write: Any) -> str:
    """An interval over more than four decades tells nothing but that."""
    if low and high and high > 1e4 * low:
        return "not bounded"
    return numbers.between(low, high, write)
