"""One run read from a file: what was understood of it (kind, loss, clock, learning rate, rows taken and skipped), and a place in it.

A place is `--at 10k steps`, `--at 200M tokens`, `--at 100 epochs`, or a bare number: in the units of the run's curve.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.importers.column_names import listed
from lightning_scaling.importers.frame import rows
from lightning_scaling.numbers import count, parse_count
from lightning_scaling.run.curve import Curve

UNITS = {"tokens": "tokens", "step": "steps", "samples": "samples", "epoch": "epochs"}
FAR = 50.0
_WORDS = dict.fromkeys(listed("step steps iterations iters updates"), "step") | dict.fromkeys(listed("token tokens tok"), "tokens")
_WORDS |= dict.fromkeys(listed("epoch epochs"), "epoch") | dict.fromkeys(listed("sample samples examples"), "samples")


@dataclass(frozen=True, eq=False)
class Reading:
    """Args:
    curve: the run; its tokens are tokens where they are known, else whatever `clock` counts.
    name: file, and the run within it where it holds several.
    run: the run's own name within the file, empty where there is none.
    kind: of the file, in words.
    loss: column of the loss.
    clock: what the file counts in: "tokens", "step", "samples" or "epoch".
    clock_column: the column of it.
    lr: column of the learning rate, None where there is none.
    rows, skipped: rows of the file that were read, and (reason, rows, first row) of those that were not.
    remarks: what was done or left aside, a sentence each.
    facts: `total_steps`, `params`, `tokens_per_step`, `steps_per_epoch` as far as they are known.
    """

    curve: Curve
    name: str
    run: str
    kind: str
    loss: str
    clock: str
    clock_column: str
    lr: str | None
    rows: int
    skipped: list[dict[str, Any]]
    remarks: list[str]
    facts: dict[str, float]

    @property
    def unit(self) -> str:
        """What the curve's `tokens` count: "tokens", "steps", "samples" or "epochs"."""
        return "tokens" if self.clock == "tokens" or (self.clock == "step" and "tokens_per_step" in self.facts) else UNITS[self.clock]

    @property
    def future(self) -> bool:
        """Whether the learning rate is known beyond the last loss."""
        plan, step = self.curve.schedule, self.curve.step
        return bool(plan is not None and step is not None and len(step) and plan.end > step[-1])

    def lines(self) -> list[str]:
        """What was understood, in three lines."""
        skipped = "; ".join(f"{s['reason']}: {rows(s['rows'])}, first row {s['first_row']}" for s in self.skipped)
        first = f"read {self.name}: {self.kind}, {rows(self.rows)}" + (f"; skipped {skipped}" if skipped else "")
        at = self.curve.tokens
        span = f" from {count(at[0])} to {count(at[-1])}" if len(at) else ""
        beside = "" if self.unit == UNITS[self.clock] else f" at {count(self.facts['tokens_per_step'])} tokens a step"
        points = f"{len(at)} point" + "s" * (len(at) != 1)
        clock = f"{self.clock_column}{beside}, {self.unit}{span}; --at counts {UNITS[self.clock]}"
        second = f"loss: {self.loss} ({points}); clock: {clock}"
        return [first, second, "; ".join([self._rate(), *self.remarks])]

    def _rate(self) -> str:
        plan = self.curve.schedule
        if plan is None:
            return "learning rate: none in the file"
        future = "its future is known" if self.future else "its future is not known"
        on_clock = np.array_equal(self.curve.step, self.curve.tokens)  # type: ignore[arg-type]
        return f"learning rate: {self.lr}, to {count(plan.end)} {UNITS[self.clock] if on_clock else 'steps'}, {future}"

    def to_json(self) -> dict[str, Any]:
        """The same as a plain dict, as `--json` prints it under `read`."""
        return {
            "file": self.name,
            "kind": self.kind,
            "loss": self.loss,
            "points": len(self.curve),
            "clock": UNITS[self.clock],
            "clock_column": self.clock_column,
            "unit": self.unit,
            "learning_rate": self.lr,
            "learning_rate_future_known": self.future,
            "rows_read": self.rows,
            "rows_skipped": sum(s["rows"] for s in self.skipped),
            "skipped": self.skipped,
            "remarks": self.remarks,
            "facts": self.facts,
        }


def rate(tokens: Any, step: Any) -> float | None:
    """Units of one clock in a step of another, by the slope over the last half of the rows; None where it is not known."""
    known = np.isfinite(tokens) & np.isfinite(step)
    a, b = np.asarray(tokens)[known], np.asarray(step)[known]
    changes = np.flatnonzero(np.diff(b) > 0) + 1
    if 2 <= len(changes) < len(b) - 1:  # whole epochs, which stand for many rows each
        a, b = a[changes], b[changes]
    a, b = a[len(a) // 2 - (len(a) < 4) :], b[len(b) // 2 - (len(b) < 4) :]
    if len(a) < 2 or b[-1] == b[0]:
        return None
    slope = float((a[-1] - a[0]) / (b[-1] - b[0]))
    return slope if slope > 0 else None


def place(text: str, reading: Reading, option: str = "--at") -> tuple[float, str]:
    """(the place in the curve's units, a remark on how it was understood or an empty one).

    A bare number counts what the file counts; where that is tokens and the number lies before the first of them but beyond the last step,
    it can only be steps.

    Raises:
        ValueError: no positive number, an unknown unit, or a unit that the file cannot be converted to; the message names the remedy.
    """
    number, unit = amount(text, option)
    if unit is None:
        unit = reading.clock
        tokens, step = reading.curve.tokens, reading.curve.step
        if (
            unit == "tokens"
            and step is not None
            and step is not tokens
            and len(step)
            and number < tokens[0]
            and number >= 0.5 * step[-1] != tokens[-1]
        ):
            return _steps(
                number, reading
            ), f"{option} {text} is read as steps, as the file begins at {count(tokens[0])} tokens; write '{text} tokens' for tokens"
    if unit == reading.clock:
        at = number * (reading.facts["tokens_per_step"] if reading.unit == "tokens" and unit == "step" else 1.0)
        return at, _far(at, reading, option, text)
    return _converted(number, unit, reading, option, text), ""


def _far(at: float, reading: Reading, option: str, text: str) -> str:
    """A remark where the place is so far outside of what was logged that another unit may be meant."""
    first, last = float(reading.curve.tokens[0]), float(reading.curve.tokens[-1])
    if first <= at <= FAR * last:
        return ""
    where = "lies before the first row" if at < first else f"is {at / last:.0f} times what was logged"
    return f"{option} {text} {where} ({count(first)} to {count(last)} {reading.unit}): is another unit meant?"


def amount(text: str, option: str = "--at") -> tuple[float, str | None]:
    """(number, kind of clock or None) of a text such as "10k steps".

    >>> amount("10k steps"), amount("2e9"), amount("200M tokens"), amount("1.5 epochs")
    ((10000.0, 'step'), (2000000000.0, None), (200000000.0, 'tokens'), (1.5, 'epoch'))
    """
    found = re.fullmatch(r"\s*([-+]?[\d.,_]+(?:[eE][-+]?\d+)?\s*[kKMBGT]?)\s*([A-Za-z]+)?\s*", text)
    number = parse_count(re.sub(r"\s", "", found[1])) if found else float("nan")
    if found is None or not 0 < number < float("inf"):
        raise ValueError(f"{option} must be a positive number such as 10000, 10k steps, 200M tokens or 100 epochs, got {text!r}")
    if found[2] is not None and found[2].lower() not in _WORDS:
        raise ValueError(f"{option} counts steps, tokens, samples or epochs, got {text!r}")
    return number, None if found[2] is None else _WORDS[found[2].lower()]


def _converted(number: float, unit: str, reading: Reading, option: str, text: str) -> float:
    facts = reading.facts
    if unit == "tokens" and reading.unit == "tokens":
        return number
    if unit == "step" and reading.clock == "tokens" and reading.curve.step is not None and reading.curve.step is not reading.curve.tokens:
        return _steps(number, reading)
    if unit == "step" and reading.clock == "epoch" and "steps_per_epoch" in facts:
        return number / facts["steps_per_epoch"]
    if unit == "epoch" and reading.clock == "step" and "steps_per_epoch" in facts:
        steps = number * facts["steps_per_epoch"]
        return steps * facts["tokens_per_step"] if reading.unit == "tokens" else steps
    if unit == "epoch" and reading.clock == "tokens" and "tokens_per_epoch" in facts:
        return number * facts["tokens_per_epoch"]
    remedy = "give --tokens-per-step" if {unit, reading.clock} == {"tokens", "step"} else f"give {option} in {UNITS[reading.clock]}"
    raise ValueError(
        f"{option} {text}: {reading.name} counts {UNITS[reading.clock]} and does not hold how many {UNITS[unit]} those are; {remedy}"
    )


def _steps(number: float, reading: Reading) -> float:
    """Tokens at a step: by the curve within it, beyond it by the tokens of its last steps."""
    step, tokens = reading.curve.step, reading.curve.tokens
    assert step is not None
    if number <= step[-1]:
        return float(np.interp(number, np.append(0.0, step), np.append(0.0, tokens)))
    half = len(step) // 2
    per = (tokens[-1] - tokens[half]) / (step[-1] - step[half]) if step[-1] > step[half] else tokens[-1] / step[-1]
    return float(tokens[-1] + per * (number - step[-1]))
