"""The cells of a ladder as the store holds them: the one place that every machine shares."""

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from lightning_scaling.ladder.cell import Cell
from lightning_scaling.ladder.design import Design
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.finished import is_finished
from lightning_scaling.run.record import RunRecord, RunState
from lightning_scaling.store.address import local_folder, resolve_uri

MOST_OF_AN_ERROR = 500  # characters
FEW = 4


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
