"""What a `transformers.Trainer` shows its callbacks: its ranks, its end in tokens, its schedule, its MLflow run, its losses.

Read without touching anything. A callback never sees the trainer itself, only its arguments, state, model, optimiser and scheduler.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from lightning_scaling.monitor.guard import Guard
from lightning_scaling.monitor.losses import Cadence, misnamed, missing, resolve
from lightning_scaling.monitor.ranks import Ranks, of_torch
from lightning_scaling.monitor.recording import Target
from lightning_scaling.monitor.run_monitor import RunMonitor
from lightning_scaling.monitor.schedule import Projection, Stepped, project
from lightning_scaling.run.schedule import Schedule

LATE_SAVE = "a checkpoint was asked for after the monitor's hook and holds too few tokens of the other ranks: put this callback last"

# ranks -----------------------------------------------------------------------------------------------------------------------------------


def ranks_of(args: Any) -> Ranks:
    """The processes that accelerate started; ranks of one tensor-parallel group see the same batch, which counts once."""
    ranks = of_torch()
    parallel = getattr(args, "parallelism_config", None)
    ranks.copies = max(int(getattr(parallel, "tp_size", 1) or 1), 1)
    return ranks


# the end of training, in tokens ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Horizon:
    """The end of training in tokens: the trainer turns epochs into optimiser steps, which are taken to hold as many tokens as those so far.

    Args:
        tokens, step: cumulative tokens and optimiser steps when this training began.
        known: the token budget then, of a checkpoint.
    """

    tokens: int
    step: int
    known: int | None = None

    def token_budget(self, state: Any, tokens: int) -> int | None:
        """Tokens at `state.max_steps`, where `tokens` were seen until now."""
        steps, left = state.global_step - self.step, state.max_steps - state.global_step
        if state.max_steps <= 0 or steps <= 0:
            return self.known
        return tokens + round(float(left) * (tokens - self.tokens) / float(steps))


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


def projected_schedule(state: Any, optimizer: Any, scheduler: Any, observed: Schedule | None) -> Projection:
    """The schedule from the trainer's present step to its last, without accelerate's wrappers; `observed` are the rates before it."""
    stepped = [] if scheduler is None else [Stepped(unwrapped_scheduler(scheduler))]
    total = state.max_steps if state.max_steps > 0 else None
    return project(unwrapped(optimizer), stepped, total, state.global_step, observed=observed)


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


class EvaluatedLoss:
    """Which metric of the evaluations is the loss. Each of several data sets has an evaluation of its own, with its own names.

    Args:
        wanted: the name asked for; the prefix "eval_" may be left out.
        guard: where trouble is reported.

    >>> loss = EvaluatedLoss("code_loss", Guard())
    >>> [loss.choose(metrics) for metrics in ({"eval_math_loss": 2.0}, {"eval_code_loss": 1.0})]
    [None, 'eval_code_loss']
    """

    def __init__(self, wanted: str, guard: Guard) -> None:
        self._wanted, self._guard = wanted, guard
        self._name: str | None = None
        self._others: set[str] = set()  # of evaluations without the loss

    def choose(self, metrics: Iterable[str]) -> str | None:
        """The loss among the metrics of one evaluation, None where this is the evaluation of another data set."""
        names = list(metrics)
        if self._name is None:
            self._name = self._find(names)
        if self._name in names:
            return self._name
        if self._name is not None and self._find(names) is not None:
            self._guard.warn("losses", f"there are several evaluation losses, {self._name!r} is followed; monitor=... chooses another")
        self._others.update(names)
        return None

    def _find(self, names: list[str]) -> str | None:
        return resolve(self._wanted, names) or resolve(f"eval_{self._wanted}", names)

    def check(self, metrics: Iterable[str]) -> None:
        """Refuse a wrong name of the loss before training begins.

        Raises:
            ValueError: the evaluation logged a loss of another name.
        """
        names = list(metrics)
        if misnamed(self._wanted, names) and self._find(names) is None:
            raise ValueError(missing(self._wanted, names))

    def is_missing(self) -> bool:
        """Whether no evaluation so far, of whatever data set, held the loss; warns of it."""
        if self._name is not None or not self._others:
            return False
        self._guard.warn("monitor", f"{missing(self._wanted, self._others)}; until then the training loss is followed")
        self._others.clear()
        return True


class LoggedLoss:
    """The training loss, which the trainer has averaged and logs as a number, where there is no evaluation: points of it at some logs.

    Args:
        run: the run that follows it.
        horizon: of its training.
    """

    def __init__(self, run: RunMonitor, horizon: Horizon) -> None:
        self._run, self._horizon = run, horizon
        self._cadence, self._due, self.unread = Cadence(), False, False

    def step(self) -> None:
        """An optimiser step was made."""
        self._due = self._cadence.due() or self._due

    def add(self, logs: Mapping[str, Any]) -> bool:
        """Keep the loss among what was logged; True where a point is due."""
        followed = self._run.loss.training
        if followed is None or "loss" not in logs:
            return False
        followed.add(float(logs["loss"]))
        self.unread = True
        return self._due

    def mark(self, state: Any) -> None:
        """A point of the run. Collective."""
        self._due = self.unread = False
        self._run.training_point(state.global_step, partial(self._horizon.token_budget, state))


# arguments and checkpoints ---------------------------------------------------------------------------------------------------------------


def saved_run(stored: Any) -> dict[str, Any] | None:
    """The state of a run within a checkpoint's entry for the callback; of several entries the last was saved last."""
    entry = stored[-1] if isinstance(stored, list) and stored else stored
    return entry.get("attributes", {}).get("resumed") if isinstance(entry, dict) else None


def state_of(run: RunMonitor, live: bool, guard: Guard) -> dict[str, Any]:
    """The state of a run for a checkpoint, which rank 0 alone is asked for: the ranks were summed before, where that was to be foreseen."""
    state = run.state_dict()
    if live and run.ranks.world > 1 and run.progress.ledger.unsynced:
        guard.warn("late checkpoint", LATE_SAVE)
    return state


def strategy_name(strategy: Any) -> str:
    """ "no", "steps" or "epoch", which arguments hold as an enum or as text."""
    return str(getattr(strategy, "value", strategy))
