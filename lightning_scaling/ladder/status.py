"""How far a ladder is, read from the store alone: any machine that reaches the store sees the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lightning_scaling.ladder.cell import Cell
from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.step_times import StepTimes, seconds_of
from lightning_scaling.run.finished import is_finished
from lightning_scaling.run.record import RunRecord, RunState


@dataclass(frozen=True)
class CellStatus:
    """One cell: "finished", "stopped early", "running", "interrupted", "failed" or "waiting"; its error where it failed."""

    cell: Cell
    state: str
    steps: int = 0
    loss: float = float("nan")
    attempt: int = 0
    error: str = ""
    verdict: str = ""

    @property
    def share(self) -> float:
        """Of its steps that are done."""
        return 1.0 if self.state in ("finished", "stopped early") else self.steps / self.cell.steps


@dataclass(frozen=True)
class LadderStatus:
    """All cells, in the order of the design; `seconds_left` is NaN until something was trained."""

    cells: tuple[CellStatus, ...]
    seconds_left: float

    def count(self, state: str) -> int:
        """Cells in this state."""
        return sum(each.state == state for each in self.cells)

    @property
    def share(self) -> float:
        """Of the compute that is done."""
        whole = sum(each.cell.computed_flops for each in self.cells)
        return sum(each.share * each.cell.computed_flops for each in self.cells) / whole if whole else 1.0


def status(design: Design, lanes: int | None = None) -> LadderStatus:
    """The state of every cell.

    Args:
        lanes: cells at a time, for the time left; None: as many as run now.

    Raises:
        StoreUnavailable: the store does not answer (an OSError).
    """
    from lightning_scaling.ladder.recorded import recorded

    there = recorded(design)
    cells = tuple(_cell(cell, there.get(cell.id)) for cell in design.cells)
    now = lanes or max(1, sum(each.state == "running" for each in cells))
    return LadderStatus(cells, _left(design, cells, there, now))


def _cell(cell: Cell, record: RunRecord | None) -> CellStatus:
    if record is None:
        return CellStatus(cell, "waiting")
    error = str(record.extra.get("error", ""))
    about: dict[str, Any] = dict(attempt=int(record.extra.get("attempt", 0)), loss=record.loss)
    about |= {"steps": record.tokens_trained // cell.batch_tokens, "verdict": record.predictions[-1].verdict if record.predictions else ""}
    if is_finished(record):
        return CellStatus(cell, "finished" if record.tokens >= cell.tokens else "stopped early", **about)
    if error:
        return CellStatus(cell, "failed", error=error, **about)
    return CellStatus(cell, "running" if record.state is RunState.RUNNING else "interrupted", **about)


def _left(design: Design, cells: tuple[CellStatus, ...], there: Mapping[str, RunRecord], lanes: int) -> float:
    done = {each.cell.id: each.cell.steps if each.share == 1 else each.steps for each in cells}
    return seconds_of(design.chains, StepTimes(_measured(cells, there)), done, lanes)


def _measured(cells: tuple[CellStatus, ...], there: Mapping[str, RunRecord]) -> dict[float, float]:
    """FLOPs of a step → its seconds, of every cell that was trained in one go."""
    found: dict[float, list[float]] = {}
    for each in cells:
        seconds = each.cell.id in there and there[each.cell.id].extra.get("seconds")
        if seconds and each.attempt == 1 and (steps := each.steps - each.cell.branch_step) > 0:
            found.setdefault(each.cell.flops / each.cell.steps, []).append(seconds / steps)
    return {flops: sorted(times)[len(times) // 2] for flops, times in found.items()}
