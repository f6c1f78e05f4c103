"""Ends a cell before its token budget where more training would tell the law little: its end is known, or it has left its family.

A forecast of standard deviation s, where a finished run scatters by s₀ about the law, is worth 1/(1 + (s/s₀)²) of a finished run: half or
more once s is no larger than s₀.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lightning_scaling import numbers
from lightning_scaling.advice.verdict import Verdict
from lightning_scaling.callbacks.lightning_base import Callback
from lightning_scaling.ladder.cell import Cell
from lightning_scaling.ladder.design import Design
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.early_end import ILL, SETTLED, EarlyEnd, relative_spread

HELD = 2  # judgements at which the interval was narrow enough, one after the other
UNDECIDED = (Verdict.TOO_EARLY, Verdict.INVESTIGATE)


class Early(Callback):
    """Comes after the monitor among the callbacks, and reads what that has just judged.

    Args:
        monitor: of the cell.
        branches: steps at which other cells leave this one: it is not settled before the last of them.
    """

    def __init__(self, design: Design, cell: Cell, branches: Sequence[int] = ()) -> None:
        self.cell, self.needs, self.not_before = cell, design.early, max(branches, default=0)
        self.monitor: Any = None
        self.end: EarlyEnd | None = None
        self._narrow = 0

    def facts(self) -> dict[str, Any] | None:
        """What is kept with the run; None where it was not ended early."""
        return None if self.end is None else self.end.to_json()

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        judged = self.monitor.judgement
        if trainer.sanity_checking or judged is None or trainer.global_step >= self.cell.steps:
            return
        if trainer.should_stop:
            self.end = self._as(judged.advice.verdict.name, judged.advice.because)
        elif self.needs is not None and self._settled(judged, trainer.global_step, self.needs):
            self.end = self._settled_end(judged.forecast, self.needs)
            print(f"{self.cell.name} is ended early: {self.end.because}", flush=True)  # in the log of its process
            trainer.should_stop = True

    def _settled(self, judged: Any, step: int, needs: float) -> bool:
        found = judged.forecast
        narrow = judged.advice.verdict not in UNDECIDED and relative_spread(found.low, found.high, self.monitor.options.level) <= needs
        self._narrow = self._narrow + 1 if narrow else 0
        return self._narrow >= HELD and step >= self.not_before

    def _settled_end(self, found: Any, needs: float) -> EarlyEnd:
        level = float(self.monitor.options.level)
        spread = relative_spread(found.low, found.high, level)
        because = f"its end is known to ± {numbers.share(spread)} ({numbers.loss_interval(found.loss, found.low, found.high)})"
        because += f", where {numbers.share(needs)} is asked for"
        return replace(
            self._as(SETTLED, because), needs=needs, loss=float(found.loss), low=float(found.low), high=float(found.high), level=level
        )

    def _as(self, reason: str, because: str) -> EarlyEnd:
        return EarlyEnd(reason, because, self.cell.tokens, constant=self.cell.schedule.shape == "constant")


def stop_names(design: Design, cell: Cell) -> tuple[str, ...]:
    """Verdicts that end a cell: those it names, and with early decisions a run that is ill or has left its family."""
    return tuple(dict.fromkeys((*cell.stop, *((ILL,) if design.early is not None else ()))))


def siblings(design: Design, cell: Cell) -> tuple[Curve, ...]:
    """The smaller cells of the family that are finished when this one begins: what it is compared with."""
    from lightning_scaling.store import load

    try:
        return tuple(load(design.store, [design.experiment]).siblings(cell.family, below=cell.params))
    except ValueError:
        return ()  # nothing was recorded there yet
