"""What holds a cell to its budget and keeps it from being lost: the exact last step, checkpoints, and the end when somebody asks for it."""

import os
import time
from typing import Any

from lightning_scaling.callbacks.lightning_base import Callback
from lightning_scaling.ladder.branching import own_rates
from lightning_scaling.ladder.cell import Cell
from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.run_folder import Session, Stopped, open_folder


class Keeper(Callback):
    """Ends the training at the cell's last step with a validation, and saves checkpoints in between.

    A checkpoint is never taken at a step that validates, but for that of a branch: resumed there, Lightning leaves that validation out.

    Args:
        branches: steps at which other cells leave this one.
    """

    def __init__(self, design: Design, cell: Cell, session: Session, branches: tuple[int, ...] = ()) -> None:
        self.design, self.cell, self.session, self.branches = design, cell, session, branches
        self._saved, self._step = time.monotonic(), 0

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        if self.cell.branch_step:
            own_rates(trainer)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        step = trainer.global_step
        if step == self._step:  # gradients are accumulated
            return
        self._step = step
        self.session.report(self.cell.id, step)
        if step in self.branches:
            save(trainer, self.design.branch(self.cell, step))
        if step >= self.cell.steps:
            trainer.should_stop = True  # validates, whatever the interval
        elif step % self.cell.validate_every:
            self._between(trainer)

    def _between(self, trainer: Any) -> None:
        stopping = self.session.stopping()
        if stopping or time.monotonic() - self._saved > self.design.checkpoint_seconds:
            save(trainer, self.design.checkpoint(self.cell))
            self._saved = time.monotonic()
        if stopping:
            raise Stopped(f"{self.cell.name} stopped at step {self._step}")


class Exactly(Callback):
    """Refuses a training whose first step counts other tokens, or whose model has another size, than the design states."""

    def __init__(self, cell: Cell, monitor: Any) -> None:
        self.cell, self.monitor, self.checked = cell, monitor, False

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self.checked or trainer.global_step < 1:
            return
        self.checked = True
        record, cell = self.monitor.record, self.cell
        if trainer.global_step > 1 or trainer.world_size > 1 or record is None:
            return
        if record.tokens_trained != cell.batch_tokens:
            raise ValueError(f"a step of {cell.name} counts {record.tokens_trained:,} tokens, its batch_tokens are {cell.batch_tokens:,}")
        if record.params != cell.params:
            raise ValueError(f"the model of {cell.name} has {record.params:,} parameters, its design states {cell.params:,}")


def save(trainer: Any, address: str) -> None:
    """A checkpoint in one move: a kill at any moment leaves the old or the new one."""
    system, path = open_folder(address)
    system.makedirs(system._parent(path), exist_ok=True)
    unfinished = f"{address}.{os.getpid()}.unfinished"
    trainer.save_checkpoint(unfinished)
    system.mv(open_folder(unfinished)[1], path)
