"""`ScalingLawFabricCallback`: the monitor attached to a training loop of Lightning Fabric, `Fabric(callbacks=[...])`.

Fabric has no trainer: the loop calls the hooks with `fabric.call`, by the names and arguments of Lightning's own template of a trainer
(`on_train_batch_start(batch, batch_idx)` and so on). The loop hands over at the start what a trainer would know. Errors of configuration
are raised until the first batch; later failures are one warning. Imports nothing of Lightning: the hooks are plain methods.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from lightning_scaling.callbacks.attached_run import AttachedRun
from lightning_scaling.monitor.guard import Guard, guarded
from lightning_scaling.monitor.losses import TrainingLoss, of_outputs
from lightning_scaling.monitor.options import Options, takes_options
from lightning_scaling.monitor.progress import Progress
from lightning_scaling.monitor.ranks import Ranks, of_torch, start_together
from lightning_scaling.monitor.run_monitor import RunMonitor
from lightning_scaling.monitor.schedule import Projection, Stepped, project
from lightning_scaling.monitor.schedule.host_rate import host_rate
from lightning_scaling.run.schedule import Schedule

NOTHING: Any = None
NO_START = 'the monitor needs fabric.call("on_train_start", model=..., optimizer=..., scheduler=..., max_steps=...) before the first batch'


class ScalingLawFabricCallback(AttachedRun):
    """Counts tokens and FLOPs, forecasts the end of the run at every validation, advises, and records the run.

    `should_stop` becomes True where a verdict named by `stop` ends the run; the loop leaves then. Put the callback into the state that
    `fabric.save` and `fabric.load` are given: it resumes exactly.

    >>> ScalingLawFabricCallback(family="my gpt").should_stop
    False
    """

    @takes_options
    def __init__(self, **options: Any) -> None:
        self.options, self._given = Options(**options), options
        if self.options.optimizer:
            raise ValueError("the loop reports the steps of one optimiser with on_before_optimizer_step: leave out optimizer=")
        self._guard = Guard()
        self._kept = {}
        self._resumed: dict[str, Any] | None = None  # state of a checkpoint, until training begins
        self._run: RunMonitor | None = None
        self._active = self._waiting = False  # within a training; before its first batch
        self._model = self._optimizer = NOTHING
        self._rate: float | None = None
        self._max_steps: int | None = None
        self._began = (0, 0)  # tokens and steps when this training began

    @property
    def should_stop(self) -> bool:
        """Whether a verdict ends the run here; the same on every rank."""
        return self._run is not None and self._run.should_stop

    # the start -----------------------------------------------------------------------------------------------------------------------

    def on_train_start(self, model: Any = None, optimizer: Any = None, scheduler: Any = None, max_steps: int | None = None) -> None:
        """Training begins. Collective.

        Args:
            model: as `fabric.setup` returned it, or a plain module.
            optimizer: whose rate is followed.
            scheduler: a torch scheduler, or several, stepped after each optimiser step.
            max_steps: optimiser steps at which training ends, counted from the very first; None: token_budget=... states the end.

        Raises:
            ValueError: an option that makes no sense, or a checkpoint of a newer version.
        """
        if (run := self._live) is not None:
            run.interrupt(RuntimeError("the training ended by an error"))
        self._guard, self._model, self._optimizer, self._max_steps = Guard(), _inner(model, "module"), optimizer, max_steps
        self._rate, self._waiting = None, True
        several = scheduler if isinstance(scheduler, list | tuple) else [scheduler]
        stepped = [Stepped(each) for each in several if each is not None]
        self._together(of_torch(), partial(self._begin, partial(self._projection, optimizer, stepped)))

    def _together(self, ranks: Ranks, do: Any) -> None:
        """`do()` on every rank; this training is not monitored where one could not."""
        self._active = False
        self._active = start_together(ranks, do, self._guard)

    def _begin(self, read: Any) -> None:
        run = RunMonitor(ranks=of_torch(), read_schedule=read, state=self._resumed, guard=self._guard, **self._given)
        self._run, self._resumed = run, None
        self._began = (run.progress.ledger.tokens, run.progress.rates.steps)

    def _projection(self, optimizer: Any, stepped: list[Stepped], observed: Schedule | None) -> Projection:
        steps = self._run.progress.rates.steps if self._run is not None else 0
        return project(_inner(optimizer, "optimizer"), stepped, self._max_steps, steps, observed=observed)

    # the step: host numbers only -------------------------------------------------------------------------------------------------------

    def on_train_batch_start(self, batch: Any, batch_idx: int | None = None) -> None:
        """A micro-batch is about to be trained on.

        Raises:
            ValueError: before the first one, an error of configuration.
        """
        if self._run is None and not self._waiting:
            raise ValueError(NO_START)
        if self._waiting and self._active and self._run is not None:
            self._waiting = False
            self._together(self._run.ranks, partial(self._run.start, batch, self._model, optimizers=[self._optimizer]))
            self._optimizer = None
        self._batch_begins(batch, batch_idx)

    @property
    def _live(self) -> RunMonitor | None:
        """The run whose batches are counted now."""
        return self._run if self._active and not self._waiting else None

    @guarded
    def _batch_begins(self, batch: Any, batch_idx: int | None) -> None:
        if run := self._live:
            if batch_idx == 0:  # whatever was frozen for this epoch
                run.counting.look_again()
            run.begin_batch(batch)

    @guarded
    def on_before_optimizer_step(self, optimizer: Any, optimizer_idx: int = 0) -> None:
        """The optimiser is about to step."""
        if run := self._live:
            self._rate = host_rate(optimizer, self._rate)
            run.optimizer_step(self._rate)
            run.average_weights(self._model)

    def on_train_batch_end(self, outputs: Any = None, batch: Any = None, batch_idx: int = 0, *, loss: Any = None) -> None:
        """The micro-batch was trained on. `loss`, or the one in `outputs`, is followed until a validation loss is reported."""
        if run := self._live:
            self._batch_ends(run, loss if loss is not None else of_outputs(outputs))
            if run.point_due():  # whatever failed before: every rank reads its loss together
                run.training_point(budget=self._budget)

    @guarded
    def _batch_ends(self, run: RunMonitor, found: Any) -> None:
        if found is not None and run.loss.training is None and not run.loss.of_validation:
            run.loss.of_training(TrainingLoss())
        run.end_batch(found)

    # validations, checkpoints, the end ---------------------------------------------------------------------------------------------------

    def averaged(self, evaluate: Callable[[], float]) -> float:
        """The loss of averaged weights by the loop's own validation; NaN where none is due or `averaging` does not ask for it."""
        return float("nan") if (run := self._live) is None else run.averaged(evaluate)

    @guarded
    def on_validation_end(self, loss: Any, averaged_loss: float = float("nan")) -> None:
        """A validation ended with this loss of this rank, and with that of `averaged`; the monitor averages over ranks. Collective."""
        if run := self._live:
            value = self._guard.run("reading the loss", lambda: float(loss), float("nan"))
            run.validated(value, budget=self._budget, averaged_loss=averaged_loss)

    def _budget(self, tokens: int) -> int | None:
        """Tokens at `max_steps`, where the steps to come are as those of this training so far."""
        assert self._run is not None
        (before, first), steps = self._began, self._run.progress.rates.steps
        if self._max_steps is None or steps <= first:
            return self._run.token_budget
        return tokens + round(max(self._max_steps - steps, 0) * (tokens - before) / (steps - first))

    @guarded
    def on_train_end(self) -> None:
        """Training ended by itself. Collective."""
        run, self._active, self._model = self._live, False, None
        if run is not None:
            run.finish()

    @guarded
    def on_exception(self, exception: BaseException) -> None:
        """Training ended by an error."""
        run, self._active, self._model = self._live, False, None
        if run is not None:
            run.interrupt(exception)

    def state_dict(self) -> dict[str, Any]:
        """The run for a checkpoint. Collective while training: `fabric.save` asks every rank for it."""
        run = self._run
        if run is None:
            return self._resumed or {}
        if self._live is not None:
            self._guard.attempt("summing the counts of all ranks", run.sync)
        return self._guard.run("the state for a checkpoint", run.state_dict, {})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume the run of a checkpoint, before `on_train_start`.

        Raises:
            ValueError: the state is of a newer version, or training has begun.
        """
        if self._live is not None:
            raise ValueError('load the checkpoint before fabric.call("on_train_start"): this training has begun')
        if state:
            Progress.restored(state)  # refuses what cannot be read
            self._resumed = state


def _inner(wrapper: Any, name: str) -> Any:
    """What Fabric has wrapped: the module of a `_FabricModule`, the optimiser of a `_FabricOptimizer`; else the thing itself."""
    return getattr(wrapper, name) if type(wrapper).__module__.startswith(("lightning.fabric.", "lightning_fabric.")) else wrapper
