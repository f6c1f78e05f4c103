"""The cells of a ladder as the store holds them, and how far it is: the one place that every machine shares, so all see the same."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lightning_scaling.ladder.cell import Cell
from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.step_times import StepTimes, seconds_of
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.finished import is_finished
from lightning_scaling.run.record import RunRecord, RunState
from lightning_scaling.store.address import local_folder, resolve_uri

MOST_OF_AN_ERROR = 500  # characters
FEW = 4


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


def recorded(design: Design) -> dict[str, RunRecord]:
    """The records of the design's cells, by id; those the store has not heard of are left out.

    Raises:
        StoreUnavailable: the store does not answer (an OSError).
    """
    from lightning_scaling.store import load

    try:
        found = [load(design.store, [design.experiment], each) for each in _filters(design)]
    except ValueError:
        return {}  # nothing was recorded there yet
    wanted = {cell.id for cell in design.cells}
    return {record.key: record for runs in found for record in runs if record.key in wanted}


def _filters(design: Design) -> list[str]:
    """A few cells are asked for by their keys, so that a large ladder costs each of its processes no more than a small one."""
    if len(design.cells) > FEW or local_folder(resolve_uri(design.store)) is not None:
        return [""]
    return [f"tags.`scaling.key` = '{cell.id}'" for cell in design.cells]


def finished(design: Design) -> dict[str, RunRecord]:
    """The cells that need no more training."""
    return {key: record for key, record in recorded(design).items() if is_finished(record)}


def deliver_missing(design: Design, cells: Iterable[Cell], pauses: Iterable[float] = (0.0,)) -> None:
    """Bring the records of these cells to the store that it did not take while they were trained, where they lie on this machine.

    Args:
        pauses: seconds before each attempt; a database that many processes write to may be locked for a while.
    """
    from lightning_scaling.store.delivery import deliver

    left = list(cells)
    for pause in pauses:
        left = [cell for cell in left if cell.id not in finished(replace(design, cells=tuple(left)))]
        if not left:
            return
        time.sleep(pause)
        for cell in left:
            deliver(key=cell.id)


def note_failures(design: Design, cells: Iterable[Cell], attempt: int, error: str) -> None:
    """Keep with the run of each of these cells why it failed, whatever of it the store holds. Cells that are finished stay as they are."""
    from lightning_scaling.store import open_recorder

    there = recorded(design)
    for cell in cells:
        before = there.get(cell.id) or _nothing_of(design, cell)
        if is_finished(before):
            continue
        about = {"cell": cell.id, "ladder": design.name, "attempt": attempt, "error": error[:MOST_OF_AN_ERROR]}
        about = {**before.extra, **about}
        recorder = open_recorder(
            design.store, cell.id, experiment=design.experiment, run_name=cell.name, tags={"scaling.error": about["error"]}
        )
        recorder.record(replace(before, extra=about, state=RunState.INTERRUPTED))
        recorder.close("FAILED")


def _nothing_of(design: Design, cell: Cell) -> RunRecord:
    curve = Curve([], [], params=cell.params)
    more: dict[str, Any] = dict(planned_tokens=cell.tokens, name=cell.name, family=cell.family, experiment=design.experiment)
    return RunRecord(cell.id, curve, np.array([]), **more)
