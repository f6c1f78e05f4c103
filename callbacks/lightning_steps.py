"""What `ScalingLawMonitor` does in every step of a Lightning training: three hooks that read host numbers only.

A step has emptied the caches, and each call costs 2 to 3 µs: the hooks catch what fails in them and call what counts directly.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from lightning_scaling.accounting import Meter
from lightning_scaling.callbacks.lightning_base import Callback
from lightning_scaling.callbacks.lightning_trainer import takes_iterator
from lightning_scaling.monitor.guard import Guard
from lightning_scaling.monitor.losses import of_outputs
from lightning_scaling.monitor.run_monitor import RunMonitor
from lightning_scaling.monitor.schedule.host_rate import host_rate

BATCH_START, OPTIMIZER_STEP, BATCH_END = "the start of a batch", "the optimiser step", "the end of a batch"


class StepHooks(Callback):
    """Base of `ScalingLawMonitor`, which says when a run begins and ends and what a point of its curve is."""

    _guard: Guard
    _run: RunMonitor | None

    def _reset_steps(self) -> None:
        self._active = self._waiting = False  # within a fit; before its first batch
        self._meter: Meter | None = None  # None outside of a fit and before its first batch
        self._late = self._draws_batches = False  # a batch is only known at its end: this one, every one
        self._looks_at = 0  # batch of the epoch before which the model is looked at again
        self._manual = self._stepped = False  # manual optimisation; a step was made whose rate is not noted yet
        self._rate: Any = None
        self._followed: Any = None  # the optimiser whose rate is noted; None: whichever steps
        self._averaged: Any = None
        self._note_rate: Any = None

    @abstractmethod
    def _together(self, ranks: Any, do: Callable[[], None]) -> None:
        """`do()` on every rank, or leave the training alone on all of them."""

    @abstractmethod
    def _training_point(self, trainer: Any, run: RunMonitor) -> None:
        """A point of the smoothed training loss, where one is due."""

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if self._waiting:
            self._first_batch(trainer, pl_module, batch)
        meter = self._meter
        if meter is None or self._late:
            return
        try:
            if batch_idx >= self._looks_at or batch_idx == 0:
                self._look_for_changes(batch, batch_idx)
            meter.begin(batch)
        except Exception as error:
            self._meter = None
            self._guard.switch_off(BATCH_START, error)

    def _first_batch(self, trainer: Any, module: Any, batch: Any) -> None:
        run, self._waiting, self._looks_at = self._run, False, 0
        self._draws_batches = takes_iterator(module)
        self._late = self._draws_batches or any(type(p).__name__ == "UninitializedParameter" for p in module.parameters())
        if run is not None and not self._late:
            self._together(run.ranks, lambda: run.start(batch, module, trainer.train_dataloader, trainer.optimizers))
            self._meter = run.counting.meter if self._active else None

    def _look_for_changes(self, batch: Any, index: int) -> None:
        if (run := self._run) is not None:
            if self._looks_at == 0 or index == 0:  # whatever was frozen for this epoch or during a validation
                run.counting.look_again()
            run.counting.look_for_changes(batch)
            self._looks_at = index + run.counting.looks_every

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        if not self._active or (self._followed is not None and optimizer is not self._followed) or OPTIMIZER_STEP in self._guard.off:
            return
        try:
            try:  # as nearly always: a float
                rate = optimizer.param_groups[0]["lr"]
            except (AttributeError, LookupError, TypeError):
                rate = None
            self._rate = rate if rate.__class__ is float and rate else host_rate(optimizer, self._rate)
            self._stepped = True
            if self._manual:  # may step more than once a batch; a closure (LBFGS) is evaluated more than once a step
                self._note_step()
        except Exception as error:
            self._guard.switch_off(OPTIMIZER_STEP, error)

    def _note_step(self) -> None:
        if self._stepped:
            self._stepped = False
            self._note_rate(self._rate)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        run = self._run
        if run is None or not self._active:
            return
        training = run.loss.training
        if BATCH_END not in self._guard.off:
            try:
                if self._late:
                    self._late_batch(trainer, run, batch)
                if self._meter is not None:
                    self._meter.confirm()
                if self._stepped:
                    self._stepped = False
                    self._note_rate(self._rate)
                if training is not None:
                    training.add(of_outputs(outputs))
                if self._averaged is not None:
                    self._averaged.stepped(trainer)
            except Exception as error:
                self._guard.switch_off(BATCH_END, error)
        if training is not None:  # whatever failed before: every rank reads its loss together
            self._training_point(trainer, run)

    def _late_batch(self, trainer: Any, run: RunMonitor, batch: Any) -> None:
        run.start(batch, trainer.lightning_module, trainer.train_dataloader, trainer.optimizers)
        run.begin_batch(batch)
        self._late, self._meter = self._draws_batches, run.counting.meter
