"""One run read from a file, and what was understood of it: kind, loss, clock, learning rate, rows taken and skipped."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.importers.tally import rows
from lightning_scaling.numbers import count
from lightning_scaling.run.curve import Curve

UNITS = {"tokens": "tokens", "step": "steps", "samples": "samples", "epoch": "epochs"}


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
