"""What one process of a ladder does: the cells of a chain one after the other, those that are finished left out."""

import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from lightning_scaling.ladder.cell import Cell, Chain
from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.run_folder import CancelledInFolder, Session, Stopped, cancelled, remove

DELIVERIES = (0.0, 1.0, 3.0, 10.0)  # seconds before each attempt at a record that the store did not take


@dataclass(frozen=True)
class Task:
    """What an engine is given: cells of one chain, to be trained by `work` in a process of its own."""

    design: Design
    chain: Chain
    attempt: int = 1
    work: Callable[["Task", Session], "Report"] | None = None

    @property
    def name(self) -> str:
        """Of its first cell."""
        return self.chain.cells[0].name


@dataclass(frozen=True)
class Report:
    """What became of a task: an error for each cell that failed, by id; `stopped` where somebody asked for its end."""

    errors: tuple[tuple[str, str], ...] = ()
    stopped: bool = False


def train_chain(task: Task, session: Session) -> Report:
    """Train the cells that the store does not hold as finished. A cell that fails costs that cell alone, where it shares no trunk."""
    from lightning_scaling.ladder.status import finished, note_failures
    from lightning_scaling.ladder.training import quiet

    design = task.design
    errors: list[tuple[str, str]] = []
    if cancelled(design):
        return Report(stopped=True)
    quiet(design.cores)
    there = finished(design)
    folder = CancelledInFolder(design)
    session_here = Session(session.report, lambda: session.stopping() or folder())
    for cell in task.chain.cells:
        if cell.id in there:
            continue
        try:
            _train(task, cell, session_here)
        except Stopped:
            return Report(tuple(errors), stopped=True)
        except Exception as error:
            errors.append((cell.id, in_words(error)))
            note_failures(design, [cell], task.attempt, errors[-1][1])
    if not errors:
        _tidy(task)
    return Report(tuple(errors))


def _train(task: Task, cell: Cell, session: Session) -> None:
    from lightning_scaling.ladder.status import deliver_missing
    from lightning_scaling.ladder.training import train_cell

    branches = task.chain.branch_steps if not cell.branch_step else ()
    train_cell(task.design, cell, session, task.attempt, branches)
    deliver_missing(task.design, [cell], DELIVERIES)


def _tidy(task: Task) -> None:
    """The shared checkpoints, once every cell of the chain is trained."""
    for cell in task.chain.cells:
        if cell.branch_step:
            remove(task.design.branch(cell, cell.branch_step))


def in_words(error: BaseException) -> str:
    """One line: what was raised, and where in the user's own code."""
    where = traceback.extract_tb(error.__traceback__)
    place = f" ({os.path.basename(where[-1].filename)}:{where[-1].lineno})" if where else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"
