"""What `advise` returns: a verdict, why, the options that were compared, and how sure it is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from scipy.special import ndtr, ndtri

from lightning_scaling.advice.verdict import Reason, Verdict
from lightning_scaling.units import FLOPS_PER_PF_DAY


@dataclass(frozen=True)
class Option:
    """One thing the next compute could buy.

    Args:
        name: "continue", "as much again", "decay now", "fresh data", "another epoch" or "grow".
        what: one line that says what to do, with the schedule that it needs.
        loss, low, high: where it ends, with its interval; NaN where only its worth is known.
        gain: relative to the loss now (.01 = one percent lower).
        tokens: tokens it trains from now on; flops: what they cost, None without params.
        basis: what the number rests on: "forecast" or the law's name.
        level: of the interval.
    """

    name: str
    what: str
    loss: float
    low: float
    high: float
    gain: float
    tokens: float
    flops: float | None
    basis: str = "forecast"
    level: float = 0.9

    def chance_below(self, loss: float) -> float:
        """Probability that it ends below `loss`, each side of its interval read as half a normal.

        >>> round(Option("continue", "", 2.0, 1.8, 2.1, 0.1, 1e9, None).chance_below(2.1), 2)
        0.95
        """
        side = self.high - self.loss if loss > self.loss else self.loss - self.low
        spread = max(side, 1e-12 * abs(self.loss), 1e-300) / ndtri((1 + self.level) / 2)
        return float(ndtr((loss - self.loss) / spread))

    @property
    def gain_per_pf_day(self) -> float | None:
        """Relative gain per PF-day; None without params."""
        return self.gain * FLOPS_PER_PF_DAY / self.flops if self.flops else None

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, None for what is not known."""
        return {k: None if v != v else v for k, v in (vars(self) | {"gain_per_pf_day": self.gain_per_pf_day}).items()}


@dataclass(frozen=True)
class Advice:
    """What to do with a run.

    Args:
        verdict, reason: enums whose text is the message.
        because: one sentence with the numbers that decided.
        confidence: probability that the reason holds, between 0 and 1.
        forecast: the forecast it rests on; None where there is none yet.
        facts: numbers worth telling that decide nothing, such as tokens per parameter.
        compare: works out the options; called when they are first read, since each costs a forecast.
    """

    verdict: Verdict
    reason: Reason
    because: str
    confidence: float = 1.0
    forecast: Any = None
    facts: dict[str, Any] = field(default_factory=dict)
    compare: Callable[[], tuple[Option, ...]] = field(default=tuple, repr=False)

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """What the next compute could buy, best gain for its cost first."""
        return self.compare()

    def option(self, name: str) -> Option | None:
        """The option of that name, None where it was not open to this run."""
        return next((each for each in self.options if each.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """A plain dict: what `lightning-scaling advise --json` prints."""
        return {
            "verdict": self.verdict.name,
            "reason": self.reason.name,
            "because": self.because,
            "confidence": self.confidence,
            "options": [each.to_json() for each in self.options],
            "facts": self.facts,
        }
