"""Each quantity of a law with its value, its interval and what it means, for terminal and page alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.laws.extrapolation.backtests import HeldOut
from lightning_scaling.laws.frontier.frontier import FrontierFit
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.report.optima import bounded

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


def surface_lines(law: SurfaceFit, level: float = LEVEL) -> list[Line]:
    """The constants of L(N, D), with intervals where it was resampled."""
    intervals = {name: law.interval(name, level) for _, name, _ in _SURFACE} if law.resampled else {}
    return _lines({name: float(getattr(law.surface, name)) for _, name, _ in _SURFACE}, intervals, _SURFACE)


def frontier_lines(frontier: FrontierFit) -> list[Line]:
    """The constants of the law of loss over compute, with or without an irreducible loss as the runs identify it."""
    quantities = _WITH_FLOOR if frontier.floor_identified else _STRAIGHT
    intervals = {"exponent": frontier.exponent_interval, "floor": frontier.floor_interval}
    return _lines({name: float(getattr(frontier, name)) for _, name, _ in quantities}, intervals, quantities)


def prediction_lines(largest: HeldOut) -> list[Line]:
    """The held-out prediction against the observed loss."""
    words = f"from the smaller runs alone, {100 * largest.level:.0f} % interval"
    made = Line("predicted", numbers.loss(largest.loss), numbers.between(largest.low, largest.high), words)
    if not np.isfinite(largest.observed):
        return [made]
    observed = Line("observed", numbers.loss(largest.observed), "", "inside the interval" if largest.inside else "OUTSIDE the interval")
    return [made, observed, Line("error", numbers.percent(largest.error), "", _beyond(largest))]


def _lines(values: dict[str, float], intervals: dict[str, tuple[float, float]], quantities: Sequence[tuple[str, str, str]]) -> list[Line]:
    known = [(sign, name, meaning) for sign, name, meaning in quantities if np.isfinite(values[name])]
    return [Line(sign, numbers.plain(values[name]), _interval(name, intervals.get(name)), meaning) for sign, name, meaning in known]


def _interval(name: str, edges: tuple[float, float] | None) -> str:
    if edges is None:
        return numbers.ABSENT
    low, high = edges
    low = 0.0 if name in ("E", "floor") and low < 1e-3 * high else low  # a floor that may be none
    return bounded(low, high, numbers.plain)


def _beyond(largest: HeldOut) -> str:
    return f"extrapolated {numbers.count(largest.beyond)}× beyond their compute" if np.isfinite(largest.beyond) else ""
