"""One cell, trained through a Lightning Trainer with the monitor attached, as a user would."""

import logging
import math
import os
import time
import warnings
from collections.abc import Callable
from typing import Any

from lightning_scaling.ladder.branching import as_branch
from lightning_scaling.ladder.builder import load_builder
from lightning_scaling.ladder.cell import Cell
from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.run_folder import Session, exists, open_folder, remove

QUIET: dict[str, Any] = dict(
    logger=False, enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False, num_sanity_val_steps=0
)


def train_cell(design: Design, cell: Cell, session: Session, attempt: int = 1, branches: tuple[int, ...] = ()) -> None:
    """Train `cell`, from its checkpoint where there is one; its record goes to the store, or to the spool while that does not answer.

    Args:
        attempt: kept with the run.
        branches: steps at which other cells leave this one.

    Raises:
        Stopped: the session asked for it; the checkpoint is written.
        ValueError: the builder makes another size or batch than the design states.
    """
    from lightning_scaling.ladder.early import Early
    from lightning_scaling.ladder.keeper import Exactly, Keeper

    start, shared = _start(design, cell)
    module, data, arguments = built(design, cell)
    early = Early(design, cell, branches)
    monitor = early.monitor = _monitor(
        design, cell, {"attempt": attempt, "shared_tokens": shared, "seconds": _clock(), "early": early.facts}
    )
    callbacks = [*arguments.pop("callbacks", ()), monitor, early, Keeper(design, cell, session, branches), Exactly(cell, monitor)]
    often = dict(max_steps=cell.steps, max_epochs=-1, val_check_interval=cell.validate_every, check_val_every_n_epoch=None)
    trainer = trainer_of(module)(callbacks=callbacks, **{**QUIET, **often, **arguments, **design.trainer})
    fit(trainer, module, data, start)
    remove(design.checkpoint(cell))


def built(design: Design, cell: Cell) -> tuple[Any, Any, dict[str, Any]]:
    """What the builder makes of a cell, from the cell's own seed."""
    import torch

    torch.manual_seed(cell.seed)
    made = load_builder(design.builder)(cell, **design.arguments)
    if not isinstance(made, tuple) or len(made) != 3:
        raise ValueError(f"{design.builder} must return (LightningModule, data, Trainer arguments), got {type(made).__name__}")
    return made[0], made[1], dict(made[2])


def fit(trainer: Any, module: Any, data: Any, start: str | None = None) -> None:
    """Train on a DataModule or on loaders of training and validation."""
    loaders = (
        dict(zip(("train_dataloaders", "val_dataloaders"), data, strict=False)) if isinstance(data, tuple | list) else {"datamodule": data}
    )
    trainer.fit(module, ckpt_path=start, **loaders)


def trainer_of(module: Any) -> Any:
    """The Trainer of the Lightning package that the module comes from."""
    if any(base.__module__.startswith("pytorch_lightning.") for base in type(module).__mro__):
        from pytorch_lightning import Trainer as Other

        return Other
    from lightning.pytorch import Trainer

    return Trainer


def _monitor(design: Design, cell: Cell, facts: dict[str, Any]) -> Any:
    from lightning_scaling.callbacks import ScalingLawMonitor
    from lightning_scaling.ladder.early import siblings, stop_names

    about = {"cell": cell.id, "ladder": design.name, "seed": cell.seed, "trunk": cell.trunk or None, "hyper": dict(cell.hyper)}
    own: dict[str, Any] = dict(store=design.store, experiment=design.experiment, run_name=cell.name, family=cell.family, key=cell.id)
    own |= dict(token_budget=cell.tokens, unique_tokens=cell.unique_tokens, siblings=(), summary=False)
    if names := stop_names(design, cell):  # when it ends depends on its losses, not on the speed of the machine
        own |= dict(stop=names, overhead=math.inf)
    if design.early is not None:
        own["siblings"] = siblings(design, cell)
    return ScalingLawMonitor(**{**own, **design.monitor, "facts": {**about, **facts}})


def _clock() -> Callable[[], float]:
    begun = time.monotonic()
    return lambda: round(time.monotonic() - begun, 3)


def _start(design: Design, cell: Cell) -> tuple[str | None, int]:
    """The checkpoint to begin from, and the tokens of its path that another cell was trained on; from scratch where there is none."""
    own, shared = design.checkpoint(cell), cell.branch_step * cell.batch_tokens
    if exists(own):
        print(f"{cell.name} resumes from {own}", flush=True)  # in the log of its process
        return own, shared
    if not cell.branch_step:
        return None, 0
    if not exists(trunk := design.branch(cell, cell.branch_step)):
        _refuse_where_the_trunk_ended(design, cell)
        return None, 0
    _copy_as_branch(trunk, own)
    return own, shared


def _refuse_where_the_trunk_ended(design: Design, cell: Cell) -> None:
    """
    Raises:
        ValueError: the trunk was ended on purpose before the step at which this cell leaves it; from scratch it would fare the same.
    """
    from lightning_scaling.ladder.status import finished
    from lightning_scaling.run.early_end import early_end

    there = finished(design)
    trunk = next((each for each in design.cells if each.trunk == cell.trunk and not each.branch_step and each.id in there), None)
    record = there[trunk.id] if trunk else None
    if trunk and record and (end := early_end(record)) and record.tokens_trained < cell.branch_step * cell.batch_tokens:
        raise ValueError(f"nothing to branch off from: {trunk.name} was ended before step {cell.branch_step} ({end.reason}: {end.because})")


def _copy_as_branch(trunk: str, own: str) -> None:
    import torch

    system, path = open_folder(trunk)
    with system.open(path, "rb") as file:
        held = torch.load(file, map_location="cpu", weights_only=False)
    system, path = open_folder(own)
    with system.open(path, "wb") as file:
        torch.save(as_branch(held), file)


def cores_here() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def quiet(cores: int) -> None:
    """As many threads as the cell has cores, but no more than the machine has, and no words of Lightning's.

    With one thread sums are always taken in the same order: the same seed gives the same numbers.
    """
    import lightning.pytorch
    import torch

    torch.set_num_threads(min(cores, cores_here()))
    warnings.simplefilter("ignore")
    for name in (lightning.pytorch.__name__, "pytorch_lightning", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
