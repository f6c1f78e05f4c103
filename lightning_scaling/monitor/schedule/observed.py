"""The learning rate of the steps that a run has made: noted before every optimiser step, kept as a piecewise linear line of bounded length.

A new knot is kept only where the rate leaves the line through the last two: constant and linear parts cost two knots, a cosine over
a million steps a few hundred. A step whose rate is unknown (None, or no number) counts as a step; a rate below zero counts as zero.
"""

import math
from typing import Any

from lightning_scaling.run.schedule import Schedule

MOST = 1000
MOST_NEW = 4096  # rates that wait to be looked at: a step only notes them
TOLERANCE = 2e-3


class ObservedRates:
    """The rates of one optimiser, step by step.

    >>> rates = ObservedRates()
    >>> for step in range(1000):
    ...     rates.note(1e-3 * (1 - step / 1000))
    >>> rates.steps, len(rates.line().step)
    (1000, 2)
    """

    def __init__(self) -> None:
        self.new: list[Any] = []
        self._steps = 0
        self._knots: list[tuple[int, float]] = []
        self._last: tuple[int, float] | None = None
        self._slope: float | None = None
        self._peak = 0.0
        self._tolerance = TOLERANCE

    def note(self, rate: Any) -> None:
        """The rate of the next optimiser step: a float, or None where it is not known. Looked at later: this is called in a step."""
        self.new.append(rate)
        if len(self.new) >= MOST_NEW:
            self.settle()

    @property
    def steps(self) -> int:
        """Optimiser steps made."""
        return self._steps + len(self.new)

    def begin_at(self, step: int) -> None:
        """Count on from a step before which nothing is known."""
        self._steps = step

    def settle(self) -> None:
        """Look at the rates that were only noted."""
        for rate in self.new:
            self._look_at(rate)
        self.new.clear()

    def _look_at(self, noted: Any) -> None:
        step, self._steps = self._steps, self._steps + 1
        rate = max(noted, 0.0) if isinstance(noted, float | int) and math.isfinite(noted) else None
        if rate is None:
            return
        if rate > self._peak:
            self._peak = rate
        if self._last is None:
            self._knots.append((step, rate))
        elif self._slope is None:
            self._slope = rate - self._last[1]
        elif abs(self._expected(step) - rate) > self._tolerance * self._peak:
            self._turn(rate)
        self._last = (step, rate)

    def _expected(self, step: int) -> float:
        start, rate = self._knots[-1]
        return rate + (self._slope or 0.0) * (step - start)

    def _turn(self, rate: float) -> None:
        last = self._last or (0, rate)
        self._knots.append(last)
        self._slope = rate - last[1]
        if len(self._knots) > MOST:
            self._knots = [*self._knots[:-1:2], self._knots[-1]]
            self._tolerance *= 2

    def line(self) -> Schedule | None:
        """The knots up to the last step seen; None where no rate was known or all were zero."""
        self.settle()
        knots = [*self._knots, *([self._last] if self._last and self._last != self._knots[-1] else [])]
        return Schedule(*zip(*knots, strict=True)) if any(rate for _, rate in knots) else None

    def state(self) -> dict[str, Any]:
        """Plain numbers for a checkpoint."""
        self.settle()
        kept = {"steps": self._steps, "slope": self._slope, "peak": self._peak, "tolerance": self._tolerance}
        return kept | {"knots": [list(c) for c in self._knots], "last": list(self._last) if self._last else None}

    def restore(self, state: dict[str, Any]) -> None:
        """What `state` gave."""
        self.new.clear()
        self._steps = int(state["steps"])
        self._slope, self._peak, self._tolerance = state["slope"], state["peak"], state["tolerance"]
        self._knots = [(int(s), float(r)) for s, r in state["knots"]]
        self._last = (int(state["last"][0]), float(state["last"][1])) if state["last"] else None
