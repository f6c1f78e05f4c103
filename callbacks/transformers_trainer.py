"""What a `transformers.Trainer` shows its callbacks: the batch of a forward pass, its ranks, its schedule, its MLflow run, its losses.

Read without touching anything. A callback never sees the trainer itself, only its arguments, state, model, optimiser and scheduler.
"""

import inspect
import sys
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

from lightning_scaling.monitor.losses import resolve
from lightning_scaling.monitor.ranks import Ranks, of_torch
from lightning_scaling.monitor.recording import Target
from lightning_scaling.monitor.schedule import Projection, Stepped, project
from lightning_scaling.run.schedule import Schedule

NOT_INPUTS = ("num_items_in_batch",)  # the trainer's own arguments beside the batch

# the batch -------------------------------------------------------------------------------------------------------------------------------


class ForwardHook:
    """A forward pre-hook that hands over the batch of every training pass. A copy of the model carries one that does nothing.

    Args:
        take: bound method that takes the batch; held weakly, so that a model does not keep its monitor alive.
    """

    def __init__(self, take: Callable[[dict[str, Any]], None] | None = None) -> None:
        self.take = weakref.WeakMethod(take) if take is not None else lambda: None

    def __call__(self, module: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        _hand_over(self, module, given, named)

    def __reduce__(self) -> Any:
        return (ForwardHook, ())


@torch.compiler.disable  # a compiled model would run this once, when it is traced
def _hand_over(hook: ForwardHook, module: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
    take = hook.take()
    if take is not None and module.training and torch.is_grad_enabled():
        take(_batch_of(module, given, named))


def _batch_of(module: Any, given: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    names = inspect.signature(module.forward).parameters if given else ()
    together = {**dict(zip(names, given, strict=False)), **named}
    return {name: value for name, value in together.items() if value is not None and name not in NOT_INPUTS}


# ranks -----------------------------------------------------------------------------------------------------------------------------------


def ranks_of(args: Any) -> Ranks:
    """The processes that accelerate started; ranks of one tensor-parallel group see the same batch, which counts once."""
    ranks = of_torch()
    parallel = getattr(args, "parallelism_config", None)
    ranks.copies = max(int(getattr(parallel, "tp_size", 1) or 1), 1)
    return ranks


# the learning-rate schedule --------------------------------------------------------------------------------------------------------------


class Repeated:
    """A scheduler that is stepped several times per optimiser step, as accelerate does where batches are not split over processes.

    Args:
        scheduler: a torch scheduler.
        times: calls of its `step` per optimiser step.
    """

    def __init__(self, scheduler: Any, times: int) -> None:
        self.optimizer, self.times, self._schedulers = scheduler.optimizer, times, [scheduler]

    def step(self) -> None:
        for _ in range(self.times):
            self._schedulers[0].step()


def projected_schedule(optimizer: Any, scheduler: Any, max_steps: int, step: int, observed: Schedule | None) -> Projection:
    """The schedule from optimiser step `step` to `max_steps`, without accelerate's wrappers; `observed` are the rates before it."""
    stepped = [] if scheduler is None else [Stepped(unwrapped_scheduler(scheduler))]
    return project(unwrapped(optimizer), stepped, max_steps if max_steps > 0 else None, step, observed=observed)


def unwrapped(optimizer: Any) -> Any:
    """The torch optimiser within accelerate's."""
    return optimizer.optimizer if type(optimizer).__module__.startswith("accelerate.") else optimizer


def unwrapped_scheduler(scheduler: Any) -> Any:
    """A scheduler that does per optimiser step what accelerate's wrapper of it does."""
    if not type(scheduler).__module__.startswith("accelerate."):
        return scheduler
    inner = scheduler.scheduler
    if scheduler.split_batches or not scheduler.step_with_optimizer or "DeepSpeed" in type(scheduler).__name__:
        return inner
    from accelerate.state import AcceleratorState

    times = AcceleratorState().num_processes
    return inner if times == 1 else Repeated(inner, times)


# MLflow ----------------------------------------------------------------------------------------------------------------------------------


def active_mlflow_run() -> list[Target]:
    """The MLflow run that `report_to="mlflow"` or the program itself has opened in this thread; none where MLflow was never loaded."""
    mlflow = sys.modules.get("mlflow")
    active = mlflow.active_run() if mlflow is not None else None
    if mlflow is None or active is None:
        return []
    run_id, experiment = active.info.run_id, mlflow.get_experiment(active.info.experiment_id).name
    return [Target(mlflow.get_tracking_uri(), experiment, lambda: run_id)]


# the loss --------------------------------------------------------------------------------------------------------------------------------


def evaluated_loss(wanted: str, metrics: Iterable[str]) -> str | None:
    """The metric of an evaluation that `wanted` means; the prefix "eval_" may be left out.

    >>> evaluated_loss("val_loss", ["eval_loss", "eval_runtime", "epoch"]), evaluated_loss("code_loss", ["eval_code_loss"])
    ('eval_loss', 'eval_code_loss')
    """
    names = list(metrics)
    return resolve(wanted, names) or resolve(f"eval_{wanted}", names)
