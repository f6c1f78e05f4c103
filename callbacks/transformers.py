"""`ScalingLawCallback`: the monitor attached to `transformers.Trainer`.

The hooks only hand over to `RunMonitor`. No hook of this trainer is given the batch, so a forward pre-hook on the model looks at it: every
micro-batch of every accumulation. Errors of configuration are raised at the first batch, before any step; later failures are one warning.
The trainer reports no exceptions to its callbacks: a training that one ended is closed when the next begins, or when the process ends.
"""

import threading
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from lightning_scaling.callbacks.attached_run import AttachedRun
from lightning_scaling.callbacks.forward_hook import stop_watching, watch_forward
from lightning_scaling.callbacks.transformers_trainer import (
    EvaluatedLoss,
    Horizon,
    LoggedLoss,
    active_mlflow_run,
    projected_schedule,
    ranks_of,
    saved_run,
    state_of,
    strategy_name,
)
from lightning_scaling.monitor.averaging import warn_of_averaging
from lightning_scaling.monitor.guard import Guard, guarded
from lightning_scaling.monitor.losses import TrainingLoss
from lightning_scaling.monitor.options import Options, takes_options
from lightning_scaling.monitor.ranks import Ranks, start_together
from lightning_scaling.monitor.recording import Target
from lightning_scaling.monitor.run_monitor import RunMonitor
from lightning_scaling.monitor.schedule.host_rate import host_rate

try:
    from transformers import TrainerCallback
    from transformers.trainer_callback import ExportableState
except ImportError as error:
    raise ImportError("ScalingLawCallback needs transformers 4.46 or later: pip install transformers[torch]") from error

ONE_OPTIMIZER = "transformers.Trainer has one optimiser: leave out optimizer="


class ScalingLawCallback(AttachedRun, TrainerCallback, ExportableState):
    """Counts tokens and FLOPs, forecasts the end of the run at every evaluation, advises, and records the run.

    >>> ScalingLawCallback(monitor="eval_code_loss", family="my gpt").options.params
    'total'
    """

    _itself: ClassVar[Any] = None

    def __new__(cls, *_: Any, **__: Any) -> "ScalingLawCallback":
        """Every instance has a class of its own, which makes nothing but it: a trainer that restores the callbacks of a checkpoint makes
        them anew from what JSON holds, `type(callback)(**args)`, and so keeps this one with its callables and those who read it."""
        if cls._itself is not None and (same := cls._itself()) is not None:
            return same  # type: ignore[no-any-return]
        own = type(cls.__name__, (cls,), {"__module__": cls.__module__, "__doc__": cls.__doc__})
        made: ScalingLawCallback = super().__new__(own)
        own._itself = weakref.ref(made)  # type: ignore[attr-defined]
        return made

    @takes_options
    def __init__(self, **options: Any) -> None:
        if "_given" in vars(self):  # restored
            return
        self.options, self._given = Options(**options), options
        if self.options.optimizer:
            raise ValueError(ONE_OPTIMIZER)
        self._guard, self._lock = Guard(), threading.RLock()
        self._kept = {}
        self.resumed: dict[str, Any] | None = None  # state of a checkpoint, until its training begins
        self._run: RunMonitor | None = None  # kept for reading when training is over
        self._reset()

    def _reset(self) -> None:
        self._active = self._waiting = self._first = False  # within a training; before its first step; before its first batch
        self._rate: float | None = None

    # the start -----------------------------------------------------------------------------------------------------------------------

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._active and self._run is not None:
            self._run.interrupt(RuntimeError("the training ended by an error"))
        self._reset()
        self._guard, self._run = Guard(), None
        self._loss = EvaluatedLoss(self.options.monitor, self._guard)
        self._active = self._waiting = True
        # a checkpoint of a training without this callback has no entry for it, without which the trainer cannot save the next one
        stored = state.stateful_callbacks.setdefault(type(self).__name__, {"args": {}, "attributes": {}})
        self.resumed = saved_run(stored) if state.global_step else None

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._waiting:
            self._waiting = False
            self._together(ranks_of(args), partial(self._begin, args, state, kwargs))
        self._step_begins(kwargs.get("optimizer"))

    def _together(self, ranks: Ranks, do: Callable[[], None]) -> None:
        """`do()` on every rank; this training is not monitored where one could not."""
        self._active = False
        self._active = start_together(ranks, do, self._guard)

    def _begin(self, args: Any, state: Any, given: Mapping[str, Any]) -> None:
        read = partial(projected_schedule, state, given.get("optimizer"), given.get("lr_scheduler"))
        ranks = ranks_of(args)
        targets: list[Target] = self._guard.run("the trainer's MLflow run", active_mlflow_run, []) if ranks.is_first else []
        run = RunMonitor(ranks=ranks, targets=targets, read_schedule=read, state=self.resumed, guard=self._guard, **self._given)
        self._run, self.resumed = run, None
        warn_of_averaging(run.options, self._guard)
        if state.global_step and not run.progress.ledger.tokens:
            run.progress.rates.begin_at(state.global_step)
            self._guard.warn("resume", f"nothing is known of what was trained before step {state.global_step}: tokens count from here")
        self._horizon = Horizon(run.progress.ledger.tokens, state.global_step, run.token_budget)
        self._logged = LoggedLoss(run, self._horizon)
        if strategy_name(args.eval_strategy) == "no":
            run.loss.of_training(TrainingLoss())
        self._first, self._model = True, weakref.ref(given["model"])
        self._optimizer = weakref.ref(given.get("optimizer") or self)  # itself holds no weights
        watch_forward(given["model"], state, self._forward)

    # the step: host numbers only -------------------------------------------------------------------------------------------------------

    def _forward(self, batch: dict[str, Any]) -> None:
        """A training pass of the model begins; replicas of `DataParallel` come from several threads."""
        with self._lock:
            run = self._run
            if self._first and run is not None:
                self._first = False
                self._together(run.ranks, partial(run.start, batch, self._model(), optimizers=[self._optimizer()]))
            self._pass_begins(batch)

    @property
    def _live(self) -> RunMonitor | None:
        """The run whose batches are counted now."""
        return self._run if self._active and not (self._waiting or self._first) else None

    @guarded
    def _pass_begins(self, batch: dict[str, Any]) -> None:
        if run := self._live:
            run.end_batch()  # of the pass before, where one micro-batch passes the model more than once
            run.begin_batch(batch)

    @guarded
    def _step_begins(self, optimizer: Any) -> None:
        if self._active:
            self._rate = host_rate(optimizer, self._rate)
            if self._run is not None and self._loss.is_missing():
                self._run.loss.of_training(TrainingLoss())

    @guarded
    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, optimizer: Any = None, **kwargs: Any) -> None:
        if self._active:
            self._rate = host_rate(optimizer, self._rate)

    @guarded
    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if run := self._live:
            run.end_batch()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._step_ends()
        self._sync(control)

    @guarded
    def _step_ends(self) -> None:
        if run := self._live:
            run.optimizer_step(self._rate)
            run.end_batch()
            self._logged.step()

    @guarded
    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if run := self._live:
            run.counting.look_again()  # whatever was frozen for this epoch

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._sync(control)

    @guarded
    def _sync(self, control: Any) -> None:
        """Sum the counts over ranks before a checkpoint, which holds those of rank 0; an evaluation may be followed by one. Collective."""
        if (run := self._live) and (control.should_save or control.should_evaluate):
            run.sync()

    # evaluations, checkpoints, the end ---------------------------------------------------------------------------------------------------

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        if self._active and self._waiting:  # eval_on_start
            self._loss.check(metrics or {})
        if run := self._live:
            self._evaluated(run, state, metrics or {})
            self._stop_where_due(run, args, control)

    @guarded
    def _evaluated(self, run: RunMonitor, state: Any, metrics: Mapping[str, Any]) -> None:
        """Collective where the metrics, which are the same on every rank, hold the followed loss."""
        name = self._guard.run("finding the loss", partial(self._loss.choose, metrics), None)
        if name is not None:
            self._guard.attempt("the name of the loss", partial(run.loss.named, name))
            loss = self._guard.run("reading the loss", lambda: float(metrics[name]), float("nan"))
            run.validated(loss, state.global_step, partial(self._horizon.token_budget, state))

    @guarded
    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """The training loss of the last logging interval, a number already, is followed where there is no evaluation."""
        if (run := self._live) and self._logged.add(logs or {}):
            self._logged.mark(state)
            self._stop_where_due(run, args, control)

    def _stop_where_due(self, run: RunMonitor, args: Any, control: Any) -> None:
        if run.should_stop:
            control.should_training_stop = True
            control.should_save = control.should_save or strategy_name(args.save_strategy) != "no"

    @guarded
    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        run = self._live
        self._active = self._waiting = False
        if run is not None:
            if self._logged.unread:
                self._logged.mark(state)
            run.finish()
        stop_watching(kwargs.get("model"))

    def state(self) -> dict[str, Any]:
        """What the trainer keeps of this callback in trainer_state.json, on rank 0."""
        run = self._run
        saved = (
            self.resumed
            if run is None
            else self._guard.run("the state for a checkpoint", partial(state_of, run, self._live is not None, self._guard), None)
        )
        return {"args": {}, "attributes": {} if saved is None else {"resumed": saved}}

    def __reduce__(self) -> Any:
        """A copy has the options and what can be read of the run: threads, hooks and the model stay here."""
        return partial(type(self).__mro__[1], **self._given), (), self.__getstate__()
