"""What `advise` returns and how it prints: a verdict, why, whether more data is worth it, a plateau, and the options compared."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any

from scipy.special import ndtr, ndtri

from lightning_scaling.advice.family import FamilyReading
from lightning_scaling.advice.plateau import PlateauCall
from lightning_scaling.advice.verdict import AddData, Reason, Verdict
from lightning_scaling.forecasting import Forecast
from lightning_scaling.numbers import compute, count, loss_interval, share
from lightning_scaling.units import FLOPS_PER_PF_DAY, pf_days

NOTHING_KNOWN = (AddData.NOT_KNOWN, "no loss has been logged yet: wait for the first validations")
MOST = 10.0  # gains beyond a thousand percent are not worth their digits


@dataclass(frozen=True)
class Option:
    """One thing the next compute could buy.

    Args:
        name: "continue", "as much again", "decay now", "fresh data", "another epoch" or "grow".
        what: one line that states what to do, with the schedule that it needs.
        loss, low, high: where it ends, with its interval; NaN where only its worth is known.
        gain: relative to the loss now (.01 = one percent lower).
        tokens: tokens it trains from now on; flops: what they cost, None where a token's cost is not known.
        basis: what the number rests on: "forecast", "measured" (on an average of recent weights) or the law's name.
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
        """Probability that it ends below `loss`, each side of its interval read as half a normal; NaN without an interval.

        >>> round(Option("continue", "", 2.0, 1.8, 2.1, 0.1, 1e9, None).chance_below(2.1), 2)
        0.95
        """
        return float(ndtr((loss - self.loss) / self.spread(above=loss > self.loss)))

    def spread(self, above: bool) -> float:
        """Standard deviation on one side of the interval; NaN without an interval."""
        side = self.high - self.loss if above else self.loss - self.low
        return float(max(side, 1e-12 * abs(self.loss), 1e-300) / ndtri((1 + self.level) / 2)) if side == side else float("nan")

    @property
    def gain_per_pf_day(self) -> float | None:
        """Relative gain per PF-day; None where the cost is not known."""
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
        facts: numbers that decide nothing, such as tokens per parameter.
        plateau_probability: that the rest of the token budget (and at least a quarter of the tokens so far) lowers the loss by less than
            the smallest gain that counts; NaN where it is not known.
        plateau: the plateau that is called, None where none is.
        unit: what is counted as tokens: "tokens", "samples", "steps".
        family: the run against its siblings at equal share of their budgets; None without siblings.
        compare: works out the options; called when they are first read, since each costs a forecast.
        weigh_data: works out the answer about more data; called when it is first read.

    >>> print(Advice(Verdict.TOO_EARLY, Reason.FEW_POINTS, "3 losses over 1 % of the token budget: wait for more"))
    TOO_EARLY: too early to say. 3 losses over 1 % of the token budget: wait for more
    Add data? NOT_KNOWN: no loss has been logged yet: wait for the first validations
    """

    verdict: Verdict
    reason: Reason
    because: str
    confidence: float = 1.0
    forecast: Forecast | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    plateau_probability: float = float("nan")
    plateau: PlateauCall | None = None
    unit: str = "tokens"
    family: FamilyReading | None = None
    compare: Callable[[], tuple[Option, ...]] = field(default=tuple, repr=False)
    weigh_data: Callable[[], tuple[AddData, str]] = field(default=lambda: NOTHING_KNOWN, repr=False)

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """What the next compute could buy, best gain for its cost first."""
        return self.compare()

    def option(self, name: str) -> Option | None:
        """The option of that name, None where it was not open to this run."""
        return next((each for each in self.options if each.name == name), None)

    @cached_property
    def _data(self) -> tuple[AddData, str]:
        return self.weigh_data()

    @property
    def add_data(self) -> AddData:
        """Whether to keep adding data to this model: YES, NO or NOT_KNOWN."""
        return self._data[0]

    @property
    def add_data_because(self) -> str:
        """One sentence with the numbers behind `add_data`."""
        return self._data[1]

    def __str__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)

    def to_json(self) -> dict[str, Any]:
        """A plain dict: what `lightning-scaling advise --json` prints."""
        sure = self.plateau_probability
        return {
            "verdict": self.verdict.name,
            "reason": self.reason.name,
            "because": self.because,
            "confidence": self.confidence,
            "add_data": self.add_data.name,
            "add_data_because": self.add_data_because,
            "plateau_probability": None if sure != sure else sure,
            "options": [each.to_json() for each in self.options],
            "facts": self.facts,
            "family": None if self.family is None else self.family.to_json(),
        }


@dataclass(frozen=True)
class Decision:
    """A rule's answer; a rule that does not apply returns None instead."""

    verdict: Verdict
    reason: Reason
    because: str
    confidence: float = 1.0


def reach(option: Option) -> str:
    """Where an option ends, with its interval."""
    return loss_interval(option.loss, option.low, option.high) + (", measured on averaged weights" if option.basis == "measured" else "")


def as_text(advice: Advice) -> str:
    """The sentences, then one row per option in columns."""
    lines, rows = sentences(advice), options_table(advice)
    if len(rows) < 2:
        return "\n".join(lines)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    table = ["  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows]
    return "\n".join([*lines, "", *table])


def as_html(advice: Advice) -> str:
    """The same as paragraphs and a table."""
    lines, rows = sentences(advice), options_table(advice)
    text = "".join(f"<p>{escape(line)}</p>" for line in lines)
    if len(rows) < 2:
        return text
    tagged = ((row, "td" if number else "th") for number, row in enumerate(rows))
    body = "".join(f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in row)}</tr>" for row, tag in tagged)
    return f"{text}<table>{body}</table>"


def sentences(advice: Advice) -> list[str]:
    """The verdict, the plateau where one is called, the answer about more data."""
    lines = [f"{advice.verdict.name}: {advice.verdict}. {advice.because}"]
    if advice.plateau is not None:
        lines.append(str(advice.plateau))
    if advice.family is not None and advice.family.because not in advice.because:
        lines.append(f"Family: {advice.family}")
    lines.append(f"Add data? {advice.add_data.name}: {advice.add_data_because}")
    return lines


def options_table(advice: Advice) -> list[tuple[str, ...]]:
    """A row of headings, then one per option: best gain for its cost first."""
    rows: list[tuple[str, ...]] = [("option", "ends at", "gain", advice.unit, "PF-days", "how")]
    for each in advice.options:
        cost = compute(pf_days(each.flops)) if each.flops else "–"
        basis = {"forecast": "", "measured": " (measured on averaged weights)"}.get(each.basis, f" (by {each.basis})")
        gain = share(each.gain) if abs(each.gain) < MOST else "far off"
        ends = loss_interval(each.loss, each.low, each.high)
        if each.low != each.low:  # the loss is the last level, no forecast
            ends, gain = "not known yet", "–"
        rows.append((each.name, ends, gain, count(each.tokens), cost, each.what + basis))
    return rows
