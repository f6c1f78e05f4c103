"""What keeps a cell's training from being lost: checkpoints now and then, and one more when it is asked to stop."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback


class Stopped(Exception):  # noqa: N818 - no error: somebody asked for it
    """Training was asked to stop and can be resumed."""


class Keeper(Callback):
    """Reports every step, saves a checkpoint half-way between validations (10 ms), and ends the training when asked.

    A checkpoint is never taken at a step that validates: resumed there, Lightning would leave that validation out.

    Args:
        path: the checkpoint file, replaced in one move so that a kill at any moment leaves the old or the new one.
        report: called with the step just done.
        stopping: asked after every step.
    """

    def __init__(self, path: Path, report: Callable[[int], None], stopping: Callable[[], bool]) -> None:
        self.path, self.report, self.stopping = path, report, stopping

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        step, cell = trainer.global_step, pl_module.cell
        self.report(step)
        if step % cell.validate_every == 0:
            return
        if self.stopping():
            self.save(trainer)
            raise Stopped(f"{cell.name} stopped at step {step}")
        if step % cell.validate_every == cell.validate_every // 2:
            self.save(trainer)

    def save(self, trainer: Any) -> None:
        unfinished = self.path.with_suffix(".unfinished")
        trainer.save_checkpoint(unfinished)
        os.replace(unfinished, self.path)
