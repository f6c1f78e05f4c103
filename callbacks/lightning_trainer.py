"""What a Lightning trainer shows of its fit: its ranks, its end in tokens, its schedulers, its loggers. Read without touching anything.

`Trainer.estimated_stepping_batches` may load data and knows neither manual optimisation nor `max_time`, so the limits are put together
here, in batches not yet seen.
"""

import inspect
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.monitor.guard import Guard, report
from lightning_scaling.monitor.losses import TrainingLoss
from lightning_scaling.monitor.ranks import Ranks
from lightning_scaling.monitor.recording import Target
from lightning_scaling.monitor.schedule import Projection, ScheduleOutcome, SchedulerCalls, Stepped, project
from lightning_scaling.run.schedule import Schedule

AVERAGING = ("WeightAveraging", "EMAWeightAveraging", "StochasticWeightAveraging")


def ranks_of(trainer: Any) -> Ranks:
    """The ranks of a trainer that is set up; its strategy's `reduce` and `broadcast` do the work."""
    strategy = trainer.strategy
    kwargs = getattr(strategy, "distributed_sampler_kwargs", None)
    replicas = (kwargs.get("num_replicas") if isinstance(kwargs, dict) else None) or trainer.world_size

    def reduce(values: Floats) -> Floats:
        import torch

        tensor = strategy.reduce(torch.tensor(values, dtype=torch.float64, device=strategy.root_device), reduce_op="sum")
        return np.asarray(tensor.cpu().numpy(), dtype=np.float64)

    copies = max(trainer.world_size // replicas, 1)
    return Ranks(trainer.world_size, trainer.is_global_zero, copies, reduce, lambda decision: bool(strategy.broadcast(decision, src=0)))


def keeps_results_in_children(trainer: Any) -> bool:
    """True where training runs in spawned or forked children, whose callbacks the parent never sees again."""
    launcher = getattr(trainer.strategy, "launcher", None)
    return type(launcher).__name__ == "_MultiProcessingLauncher"


def averages_weights(trainer: Any) -> bool:
    """Whether a callback validates an average of recent weights instead of the weights themselves."""
    return any(kind.__name__ in AVERAGING for callback in trainer.callbacks for kind in type(callback).__mro__)


def stands_aside(monitor: Any, trainer: Any) -> bool:
    """One attached by hand goes first; of those left in a list that several trainers used, the newest is this trainer's."""
    others = [c for c in trainer.callbacks if isinstance(c, type(monitor))]
    return bool(monitor.automatic and (any(not c.automatic for c in others) or others[-1] is not monitor))


def training_loss(trainer: Any, manual: bool) -> TrainingLoss:
    """The smoothed training loss of a fit; Lightning divides it by the batches that it accumulates, and manual steps may change it."""
    return TrainingLoss(copy=True) if manual else TrainingLoss(divided=lambda: int(trainer.accumulate_grad_batches))


def is_trained(trainer: Any) -> bool:
    """Whether the batch of now has been trained on, though its end has not been announced to all callbacks yet."""
    batch = trainer.fit_loop.epoch_loop.batch_progress.current
    return bool(batch.processed > batch.completed)


def save_stopped(trainer: Any) -> None:
    """Save a run that was stopped beside ModelCheckpoint's files, if there is one. Collective."""
    folder = getattr(trainer.checkpoint_callback, "dirpath", None)
    if folder:
        path = Path(folder) / f"stopped-step={trainer.global_step}.ckpt"
        trainer.save_checkpoint(path)
        report(f"the run as it was stopped is kept in {path}")


def takes_iterator(module: Any) -> bool:
    """Whether the training step draws its batches itself, from `dataloader_iter`: hooks get the batch before."""
    return "dataloader_iter" in inspect.signature(module.training_step).parameters


def followed_optimizer(trainer: Any, index: int) -> Any:
    """The optimiser whose steps count; None where there is only one, which strategies may have wrapped.

    Raises:
        ValueError: there is no optimiser of that index.
    """
    optimizers = trainer.optimizers
    if optimizers and index >= len(optimizers):
        raise ValueError(f"optimizer={index} asks for one of {len(optimizers)} optimisers; the first is 0")
    return optimizers[index] if len(optimizers) > 1 else None


# the end of training, in tokens ----------------------------------------------------------------------------------------------------------


@dataclass
class Horizon:
    """What this fit has seen, to extend it to the trainer's limits.

    Args:
        tokens: cumulative tokens when this fit began.
        global_step: the trainer's optimiser steps then.
        batches: batches trained in this fit on this rank.
        started: the clock when this fit began, in seconds.
    """

    tokens: int
    global_step: int
    batches: int = 0
    started: float = 0.0

    @classmethod
    def at_start(cls, trainer: Any, tokens: int) -> "Horizon":
        """The horizon of a fit that begins now."""
        return cls(tokens, trainer.global_step, started=time.monotonic())

    def token_budget(self, trainer: Any, tokens: int) -> int | None:
        """Tokens at the end of training; None where it has no end or nothing was trained yet."""
        left = self._batches_left(trainer)
        if left is None or not self.batches:
            return None
        return tokens + round(left * (tokens - self.tokens) / self.batches)

    def _batches_left(self, trainer: Any) -> float | None:
        limits = [self._by_epochs(trainer), self._by_steps(trainer), self._by_time(trainer)]
        known = [limit for limit in limits if limit is not None]
        return max(min(known), 0.0) if known else None

    def _by_epochs(self, trainer: Any) -> float | None:
        length, epochs = trainer.num_training_batches, trainer.max_epochs
        if epochs in (None, -1) or not math.isfinite(length):
            return None
        return float((epochs - trainer.current_epoch) * length - (trainer.fit_loop.batch_idx + 1))

    def _by_steps(self, trainer: Any) -> float | None:
        steps = trainer.global_step - self.global_step
        if trainer.max_steps in (None, -1) or steps <= 0:
            return None
        return float((trainer.max_steps - trainer.global_step) * self.batches / steps)

    def _by_time(self, trainer: Any) -> float | None:
        clocks = [c for c in trainer.callbacks if type(c).__name__ == "Timer" and c.time_remaining() is not None]
        spent = time.monotonic() - self.started
        return min(self.batches * c.time_remaining() / spent for c in clocks) if clocks and spent > 0 else None


# the learning-rate schedule --------------------------------------------------------------------------------------------------------------


def projected_schedule(trainer: Any, index: int = 0, observed: Schedule | None = None) -> Projection:
    """The schedule of a trainer in the middle of a fit, from its present step on; `observed` are the rates before it.

    Reads the trainer's attributes only: no data is loaded, nothing is stepped, nothing warns. Costs about 5 µs per optimiser step to come,
    for torch's own schedulers .2 s at most, for others 2 s; call it once when a fit starts.
    """
    calls = scheduler_calls(trainer)
    module = trainer.lightning_module
    configs = list(trainer.lr_scheduler_configs)
    if configs and not getattr(module, "automatic_optimization", True):
        return Projection(observed, ScheduleOutcome.MANUAL, calls.end)
    if configs and _steps_itself(module):
        return Projection(observed, ScheduleOutcome.OWN_STEPPING, calls.end)
    optimizer = trainer.optimizers[index] if trainer.optimizers else None
    stepped = [Stepped(c.scheduler, c.interval, max(int(c.frequency), 1)) for c in configs]
    return project(optimizer, stepped, calls.end, calls.step, calls=calls, observed=observed)


def _steps_itself(module: Any) -> bool:
    own = getattr(type(module), "lr_scheduler_step", None)
    return own is not None and not own.__module__.startswith(("lightning.", "pytorch_lightning."))


def scheduler_calls(trainer: Any) -> SchedulerCalls:
    """Batches, epochs and accumulation of the rest of a trainer's fit, and the optimiser step at which it ends."""
    length = trainer.num_training_batches
    batches = int(length) if math.isfinite(length) and length > 0 else None
    here = SchedulerCalls(None, trainer.global_step, batches, trainer.current_epoch, _batches_done(trainer), _accumulation(trainer))
    return replace(here, end=_end(trainer, here))


def _end(trainer: Any, here: SchedulerCalls) -> int | None:
    limits = [] if trainer.max_steps in (None, -1) else [int(trainer.max_steps)]
    if trainer.max_epochs not in (None, -1) and here.epoch_batches is not None:
        left = range(here.epoch, max(int(trainer.max_epochs), here.epoch))
        steps = sum(math.ceil(here.epoch_batches / max(1, here.accumulate(e))) for e in left)
        limits.append(here.step + steps - here.batch // max(1, here.accumulate(here.epoch)) * bool(left))
    return min(limits) if limits else None


def _batches_done(trainer: Any) -> int:
    """Batches trained in the running epoch. Between epochs, also after a resume, the loop still holds those of the last one."""
    epochs, batches = trainer.fit_loop.epoch_progress.current, trainer.fit_loop.epoch_loop.batch_progress
    return 0 if epochs.ready == epochs.processed and batches.is_last_batch else int(batches.current.processed)


def _accumulation(trainer: Any) -> Any:
    schedule = next((c for c in trainer.callbacks if callable(getattr(c, "get_accumulate_grad_batches", None))), None)
    return schedule.get_accumulate_grad_batches if schedule else lambda _: int(trainer.accumulate_grad_batches)


# loggers ---------------------------------------------------------------------------------------------------------------------------------


def mlflow_targets(loggers: Iterable[Any]) -> list[Target]:
    """The runs of the MLflow loggers. Their client retries a dead server for minutes, so the recorder's thread writes to them instead."""
    return [
        Target(logger._tracking_uri, logger._experiment_name, partial(getattr, logger, "_run_id"))
        for logger in loggers
        if _is(logger, "MLFlowLogger")
    ]


def log(loggers: Iterable[Any], found: dict[str, float], step: int, guard: Guard) -> None:
    """One `log_metrics` for each logger that is not MLflow's; a logger that fails is warned of once."""
    for logger in loggers:
        if not _is(logger, "MLFlowLogger"):
            guard.attempt(f"logging to {type(logger).__name__}", partial(logger.log_metrics, found, step=step))


def define_axes(loggers: Iterable[Any], guard: Guard) -> None:
    """Let W&B draw losses against PF-days and what belongs to the budget against tokens; other loggers draw against the step."""
    for logger in loggers:
        if _is(logger, "WandbLogger"):
            guard.attempt("the axes of W&B", partial(_define, logger))


def _define(logger: Any) -> None:
    run = logger.experiment
    for name in ("scaling/tokens", "scaling/pf_days"):
        run.define_metric(name)
    for name in ("scaling/val_loss", "scaling/train_loss", "scaling/law_*", "scaling/gain_per_pf_day"):
        run.define_metric(name, step_metric="scaling/pf_days")
    for name in ("scaling/forecast_*", "scaling/loss_floor", "scaling/plateau_probability"):
        run.define_metric(name, step_metric="scaling/tokens")


def _is(logger: Any, name: str) -> bool:
    """Whether a logger is of the class of that name, of either Lightning package, or derives from it."""
    return any(kind.__name__ == name for kind in type(logger).__mro__)
