"""`ScalingLawMonitor`: the monitor attached to a trainer of `lightning.pytorch` or `pytorch_lightning`.

The hooks only hand over to `RunMonitor`. Before the first step errors of configuration are raised (never by a monitor that the environment
attached); after it whatever goes wrong is one warning, on every rank without a hang.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from lightning_scaling.callbacks.lightning_averaging import AveragedValidation, averaged_loss
from lightning_scaling.callbacks.lightning_steps import StepHooks
from lightning_scaling.callbacks.lightning_trainer import (
    Horizon,
    averages_weights,
    define_axes,
    followed_optimizer,
    is_trained,
    keeps_results_in_children,
    log,
    mlflow_targets,
    projected_schedule,
    ranks_of,
    save_stopped,
    stands_aside,
    training_loss,
)
from lightning_scaling.monitor.guard import Guard, guarded
from lightning_scaling.monitor.losses import misnamed, missing, resolve
from lightning_scaling.monitor.options import Options, takes_options
from lightning_scaling.monitor.progress import readable
from lightning_scaling.monitor.ranks import start_together
from lightning_scaling.monitor.run_monitor import RunMonitor

SPAWNED = "the processes of this strategy keep the results: read them from the store or a checkpoint, monitor.record stays empty here"
KEYS = ("ScalingLawMonitor", "ScalingLawMonitor.automatic")  # of the state in checkpoints: attached by hand, by the environment
NOTHING: Any = None


class ScalingLawMonitor(StepHooks):
    """Counts tokens and FLOPs, forecasts the end of the run at every validation, advises, and records the run.

    >>> ScalingLawMonitor(monitor="val/loss", family="my gpt").options.params
    'total'
    """

    @takes_options
    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options, self._given = Options(**options), options
        self._guard = Guard()
        self._kept = {}
        self._reset()

    def _reset(self) -> None:
        self._resumed: dict[str, Any] | None = None  # state of a checkpoint, until the fit starts
        self._run = None  # kept for reading when the fit is over
        self._horizon = NOTHING
        self._reset_steps()

    @property
    def state_key(self) -> str:
        return KEYS[self.automatic]

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        if trainer.fast_dev_run or stands_aside(self, trainer):
            return
        self._active = self._waiting = True
        if keeps_results_in_children(trainer):
            self._guard.warn("spawn", SPAWNED)
        self._together(ranks_of(trainer), lambda: self._begin(trainer, pl_module))

    def _begin(self, trainer: Any, module: Any) -> None:
        # a fit from step 0 is a new run; one from a checkpoint, or a second fit of the same trainer, resumes the old one
        state = self._resumed or (self._run.state_dict() if self._run is not None and trainer.global_step > 0 else None)
        self._guard = Guard()
        read = partial(projected_schedule, trainer, self.options.optimizer)
        ranks, targets = ranks_of(trainer), mlflow_targets(trainer.loggers)
        run = RunMonitor(ranks=ranks, targets=targets, read_schedule=read, state=state, guard=self._guard, **self._given)
        self._run, self._resumed, self._note_rate = run, None, run.progress.rates.note
        if trainer.global_step > 0 and not run.progress.ledger.tokens:
            run.progress.rates.begin_at(trainer.global_step)
            self._guard.warn("resume", f"nothing is known of what was trained before step {trainer.global_step}: tokens count from here")
        run.loss.averaged = averages_weights(trainer)
        self._followed = followed_optimizer(trainer, self.options.optimizer)
        if self.options.averaging is not None and trainer.enable_validation:
            self._averaged = AveragedValidation.of(self.options.averaging, trainer, module, self._guard)
        self._manual = not module.automatic_optimization
        self._horizon = Horizon.at_start(trainer, run.progress.ledger.tokens)
        if not trainer.enable_validation:
            run.loss.of_training(training_loss(trainer, self._manual))
        define_axes(trainer.loggers if ranks.is_first else (), self._guard)
        if run.progress.counted_by is not None:  # Lightning may repeat an interrupted validation before it trains another batch
            self._guard.attempt("counting the model", lambda: run.counting.count_model(module))
            run.announce()

    def _together(self, ranks: Any, do: Callable[[], None]) -> None:
        """`do()` on every rank, or leave the training alone on all of them."""
        try:
            if start_together(ranks, do, self._guard):
                return
        except ValueError as error:
            if not self.automatic:
                self._reset()
                raise
            self._guard.warn("start", f"this training is not monitored: {error}")
        self._reset()

    @guarded
    def _training_point(self, trainer: Any, run: RunMonitor) -> None:
        if run.point_due():
            run.training_point(max(trainer.global_step - 1, 0), partial(self._budget, trainer))
            self._after_point(trainer, run)

    @guarded
    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        if self._averaged is not None and not trainer.sanity_checking:
            self._averaged.begin(trainer)

    @guarded
    def on_validation_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, *loader: int) -> None:
        if self._averaged is not None:
            self._averaged.keep(batch, batch_idx, *loader)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if trainer.sanity_checking:
            self._check_name(trainer.callback_metrics)
        elif self._active and self._run is not None and self._run.progress.counted_by is not None:
            self._looks_at = 0
            self._validated(trainer, self._run)

    def _check_name(self, logged: Mapping[str, Any]) -> None:
        """A wrong name of the loss is refused before training, where the sanity check proves it wrong."""
        if not self.automatic and misnamed(self.options.monitor, logged):
            raise ValueError(missing(self.options.monitor, logged))

    @guarded
    def _validated(self, trainer: Any, run: RunMonitor) -> None:
        wanted, logged = self.options.monitor, trainer.callback_metrics
        name = self._guard.run("finding the loss", partial(resolve, wanted, logged), str(wanted) or None)
        if name is None:
            self._guard.warn("monitor", f"{missing(wanted, logged)}; until then the training loss is followed")
            return None if run.loss.training is not None else run.loss.of_training(training_loss(trainer, self._manual))
        self._guard.attempt("the name of the loss", lambda: run.loss.named(name))
        loss = self._guard.run("reading the loss", lambda: float(logged[name]), float("nan"))
        if (averaged := averaged_loss(self._averaged, trainer, run, name, loss)) is None:
            return
        run.validated(loss, max(trainer.global_step - 1, 0), partial(self._budget, trainer), averaged)
        self._after_point(trainer, run)

    def _budget(self, trainer: Any, tokens: int) -> int | None:
        assert self._run is not None
        meter = self._run.counting.meter
        self._horizon.batches = meter.batches if meter else 0
        # before the first batch of a resumed fit, what the checkpoint knew still holds
        return self._horizon.token_budget(trainer, tokens) if self._horizon.batches else self._run.token_budget

    def _after_point(self, trainer: Any, run: RunMonitor) -> None:
        if found := run.take_metrics():
            log(trainer.loggers, found, max(trainer.global_step - 1, 0), self._guard)
        if run.should_stop:
            trainer.should_stop = True

    @guarded
    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        if self._run is not None and self._run.loss.training is not None:
            self._run.loss.training.settle()  # the next epoch may accumulate another number of batches

    @guarded
    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        run, active = self._leave()
        if run is None or not active:
            return
        run.finish()
        self._after_point(trainer, run)
        if run.should_stop:
            save_stopped(trainer)

    @guarded
    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        run, active = self._leave()
        if run is not None and active:
            run.interrupt(exception)

    def _leave(self) -> tuple[RunMonitor | None, bool]:
        active, self._active, self._meter = self._active, False, None
        return self._run, active

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Here and not in `state_dict`, so that lists may hold monitors of earlier trainers. Collective, unless interrupted."""
        run = self._run
        if run is None or not (self._active or trainer.state.fn == "fit"):
            return
        self._confirm_trained(trainer)
        if run.ranks.world > 1 and trainer.state.status != "interrupted" and self._active:
            run.sync()
        self._put_state(checkpoint, run)

    @guarded
    def _put_state(self, checkpoint: dict[str, Any], run: RunMonitor) -> None:
        checkpoint.setdefault("callbacks", {})[self.state_key] = run.state_dict()

    @guarded
    def _confirm_trained(self, trainer: Any) -> None:
        """A checkpoint saved by an earlier callback at the end of a batch holds that batch too."""
        if self._active and self._run is not None and is_trained(trainer):
            self._note_step()
            self._run.end_batch()

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """A fit resumes the run of its checkpoint; test, validate and predict leave the run alone."""
        if trainer.state.fn != "fit":
            return
        states = checkpoint.get("callbacks", {})
        found = next((states[key] for key in (self.state_key, *KEYS) if key in states), None)
        try:
            self._resumed = found and readable(found)
        except ValueError as error:
            if not self.automatic:
                raise
            self._guard.warn("resume", f"{error}; this training counts from here")
