"""One cell, trained through a Lightning Trainer with the monitor attached, as a user would."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_scaling.ladder.cells import Cell, Ladder
from lightning_scaling.ladder.corpus import Corpus
from lightning_scaling.run.curve import Curve

# Runs of other lengths lie apart: those of the ladder have one ratio of tokens to parameters and compare over compute alone.
EXPERIMENT, LENGTHS = "ladder", "ladder-lengths"
SPOOL = "LIGHTNING_SCALING_SPOOL"  # where recorders look for it


@dataclass(frozen=True)
class Job:
    """Everything that decides what comes of a training; the same job gives the same numbers.

    Args:
        ladder, corpus, seed: what is trained, on what.
        folder: where store, checkpoints and report lie.
    """

    ladder: Ladder
    corpus: Corpus
    seed: int
    folder: Path

    @property
    def family(self) -> str:
        """Runs of another recipe, corpus or seed are another family, never compared with these by mistake."""
        return f"{self.ladder.name}-{self.ladder.digest}-{self.corpus.digest}-s{self.seed}"

    @property
    def store(self) -> str:
        """Tracking URI."""
        return f"sqlite:///{self.folder.resolve() / 'mlflow.db'}"

    @property
    def spool(self) -> Path:
        """Where records wait while the store does not answer."""
        return self.folder.resolve() / "spool"

    def checkpoint(self, cell: Cell) -> Path:
        """Where an interrupted cell resumes."""
        return self.folder / "checkpoints" / self.family / f"{cell.name}.ckpt"


def train_cell(
    job: Job,
    cell: Cell,
    siblings: Sequence[Curve] = (),
    report: Callable[[int], None] = lambda step: None,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Train `cell`, from its checkpoint where there is one; its record goes to the store, or to the spool while that does not answer.

    Raises:
        Stopped: `stopping()` became true; the checkpoint is written.
    """
    from lightning_scaling.ladder.module import ByteModel
    from lightning_scaling.ladder.windows import TrainingWindows, validation_batches

    path = job.checkpoint(cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = job.corpus
    train = TrainingWindows(text.train, cell.context, cell.windows, cell.steps, job.seed)
    validation = validation_batches(text.validation, cell.context, job.ladder.validation_windows)
    trainer = _trainer(job, cell, siblings, report, stopping)
    with spooling(job):
        trainer.fit(ByteModel(cell, job.seed), train, validation, ckpt_path=str(path) if path.exists() else None)
    path.unlink(missing_ok=True)


@contextlib.contextmanager
def spooling(job: Job) -> Iterator[None]:
    """Records that wait for the store lie in the job's own folder, not in the current one."""
    before = os.environ.get(SPOOL)
    os.environ[SPOOL] = str(job.spool)
    try:
        yield
    finally:
        os.environ.pop(SPOOL)
        if before is not None:
            os.environ[SPOOL] = before


def _trainer(job: Job, cell: Cell, siblings: Sequence[Curve], report: Callable[[int], None], stopping: Callable[[], bool]) -> Any:
    from lightning.pytorch import Trainer

    from lightning_scaling.callbacks import ScalingLawMonitor
    from lightning_scaling.ladder.interruption import Keeper

    monitor = ScalingLawMonitor(
        store=job.store,
        experiment=LENGTHS if cell.of_other_length else EXPERIMENT,
        run_name=cell.name,
        family=job.family,
        siblings=tuple(siblings),
        tokenizer="bytes",
        unique_tokens=len(job.corpus.train),
        summary=False,
    )
    quiet: dict[str, Any] = dict(logger=False, enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False)
    often: dict[str, Any] = dict(max_epochs=1, val_check_interval=cell.validate_every, check_val_every_n_epoch=None, num_sanity_val_steps=0)
    keeper = Keeper(job.checkpoint(cell), report, stopping)
    return Trainer(accelerator="cpu", devices=1, callbacks=[monitor, keeper], **quiet, **often)
