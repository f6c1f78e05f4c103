"""`ScalingLawMonitor`: what a run has cost, where it will end and what to do with it, told while it trains.

The hooks here only hand over: `watch.py` follows one fit, `fit.py` counts, `outlet.py` judges, logs and records, `run.py` is what the
checkpoint keeps. A step costs a few host integers; all else happens at validations.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from lightning_scaling.accounting import choose
from lightning_scaling.callbacks.base import Callback
from lightning_scaling.callbacks.distribution import brings_nothing_back
from lightning_scaling.callbacks.fit import Fit
from lightning_scaling.callbacks.losses import missing, resolve
from lightning_scaling.callbacks.model_size import count_after, count_before
from lightning_scaling.callbacks.options import Options
from lightning_scaling.callbacks.run import Run
from lightning_scaling.callbacks.run_record import curve_of
from lightning_scaling.callbacks.step import Hook, no_hook, on_batch, on_step
from lightning_scaling.callbacks.stopping import Stopper, verdicts
from lightning_scaling.callbacks.warn_once import Once
from lightning_scaling.callbacks.watch import Watch
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord
from lightning_scaling.run.schedule import Schedule

SPAWNED = "the processes of this strategy keep the results: read them from the store or a checkpoint, monitor.record stays empty here"
# Names of the state in checkpoints: attached by hand, and by the environment variable.
KEYS = ("ScalingLawMonitor", "ScalingLawMonitor.automatic")
STEP = ("on_before_optimizer_step", "on_train_batch_end")


class ScalingLawMonitor(Callback):
    """Counts tokens and FLOPs, forecasts the end of the run at every validation, says what to do, and records the run.

    Args:
        store: MLflow tracking URI to record the run in; None: only the trainer's own loggers (an MLFlowLogger among them is used).
        experiment, run_name: where the store keeps the run.
        monitor: the logged validation loss to follow; the default also finds "val/loss" and the like. Without a validation loop the
            smoothed training loss is followed.
        params: which weights N counts: "total", "non_embedding", or the number itself.
        flops: "6N", "6N+attention", "measured", or a callable of the batch.
        tokens: how to count a batch where its shapes do not tell: a callable of the batch, or "samples".
        mask: count only what the attention mask keeps.
        tokenizer: what a token is ("bytes", "gpt2"); losses per token of different tokenizers are never compared.
        unique_tokens: size of the data, where it is repeated.
        family: name under which runs of different sizes are compared; finished smaller ones help the forecast.
        siblings: finished curves of the family to use instead of those in the store; () for none.
        law: a fitted or preset law of loss over N and D, for what another size would have reached.
        schedule: the learning-rate plan, where it is not the scheduler's.
        economics: what training and serving cost, see `lightning_scaling.advice`.
        optimizer: index of the optimiser whose rate and steps are followed.
        stop: verdicts that may end the run: None only advises, True means ("STOP",).
        level: of the forecast's interval.
        declared: facts of the model for the FLOPs rule, such as active_params (mixture of experts) or window (sliding attention).
        summary: tell at the end of the run what it cost and what came of it.

    Raises:
        ValueError: an argument makes no sense, or (when training starts) `monitor` is not logged.
        TokenCountError: (when training starts) what a token is cannot be told from the first batch.

    >>> ScalingLawMonitor(monitor="val/loss", family="my gpt").options.params
    'total'
    """

    automatic = False  # True for the one that the environment variable attaches

    def __init__(
        self,
        *,
        store: str | None = None,
        experiment: str = "lightning-scaling",
        run_name: str | None = None,
        monitor: str = "val_loss",
        params: str | int = "total",
        flops: str | Callable[[Any], int] = "6N",
        tokens: str | Callable[[Any], int] | None = None,
        mask: bool = False,
        tokenizer: str | None = None,
        unique_tokens: float | None = None,
        family: str | None = None,
        siblings: Sequence[Curve] | None = None,
        law: Any = None,
        schedule: Schedule | None = None,
        economics: Any = None,
        optimizer: int = 0,
        stop: bool | str | Iterable[str] | None = None,
        level: float = 0.9,
        declared: Mapping[str, Any] | None = None,
        summary: bool = True,
    ) -> None:
        super().__init__()
        given = {name: value for name, value in locals().items() if name in Options.__dataclass_fields__}
        self.options = Options(**given)
        self._once = Once()
        self._run = Run()
        self._groups: dict[str, int] = {}
        self._watch: Watch | None = None  # the fit under way
        self._waiting: Watch | None = None  # the same until it has seen a batch
        self._step: Hook = no_hook  # what it notes in a step, from its first batch on
        self._batch: Hook = no_hook
        self._last: Watch | None = None  # the same, kept for reading when it is over
        self._loaded = False

    # what programs read ------------------------------------------------------------------------------------------------------------

    @property
    def curve(self) -> Curve | None:
        """Loss against tokens so far; None before training began."""
        return curve_of(self._run, self._last.fit.facts, self.options.unique_tokens) if self._last else None

    @property
    def record(self) -> RunRecord | None:
        """Everything kept of the run; None before training began and on ranks that do not log."""
        return self._last.outlet.record(self._last.state) if self._last and self._last.outlet else None

    @property
    def forecast(self) -> Any:
        """The latest forecast of the end of the plan, None before the first."""
        judgement = self._judgement
        return judgement.forecast if judgement else None

    @property
    def advice(self) -> Any:
        """The latest advice, None before the first."""
        judgement = self._judgement
        return judgement.advice if judgement else None

    @property
    def _judgement(self) -> Any:
        return self._last.outlet.judgement if self._last and self._last.outlet else None

    @property
    def state_key(self) -> str:
        """One attached by hand and an automatic one can meet in a trainer; a checkpoint of either serves both."""
        return KEYS[self.automatic]

    # the start ---------------------------------------------------------------------------------------------------------------------

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        if stage == "fit":
            with self._start():
                self._groups = count_before(pl_module)

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        with self._start():
            self._groups = count_after(pl_module, self._groups)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        if trainer.fast_dev_run or self._stands_aside(trainer):
            return
        if brings_nothing_back(trainer):
            self._once.warn("spawn", SPAWNED)
        with self._start():
            self._begin_run(trainer.global_step)
            params = choose(self._groups, self.options.params)
            fit = Fit(trainer, self.options, self._run, self._groups, params, self._once)
            self._watch = self._last = self._waiting = Watch(fit, Stopper(verdicts(self.options.stop), self._run.stopping))
            self._watch.begin()

    @contextmanager
    def _start(self) -> Iterator[None]:
        """What goes wrong before anything is trained is raised; an automatic monitor says so and leaves the training alone."""
        try:
            yield
        except Exception as error:
            if not self.automatic:
                raise
            self._last = None
            self._leave()
            self._once.warn("start", f"this training is not monitored: {error}")

    def _stands_aside(self, trainer: Any) -> bool:
        others = (c for c in trainer.callbacks if isinstance(c, ScalingLawMonitor))
        return self.automatic and any(not c.automatic for c in others)

    def _begin_run(self, global_step: int) -> None:
        """A fit from step 0 is a new run; one from a checkpoint, or a second fit of the same trainer, goes on with the old one."""
        if global_step == 0 and not self._loaded:
            self._run = Run()
        if global_step > 0 and not self._run.ledger.tokens:
            self._run.rates.begin_at(global_step)
            self._once.warn("resume", f"nothing is known of what was trained before step {global_step}: tokens are counted from here")
        self._loaded = False

    # the step: host numbers only, and few objects on the way to them; between two steps all of them have left the processor's caches ----

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if self._waiting is not None:
            with self._start():
                self._waiting.first_batch(batch)
                self._note(self._waiting)
            self._waiting = None

    def on_before_optimizer_step(self, *given: Any) -> None:
        self._step(*given)

    def on_train_batch_end(self, *given: Any) -> None:
        self._batch(*given)

    def _note(self, watch: Watch) -> None:
        """From now on these hooks note what the fit needs; where nobody has extended them they are called straight away."""
        self._step, self._batch = on_step(watch.fit), on_batch(watch.fit, watch.training_point)
        for name, hook in zip(STEP, (self._step, self._batch), strict=True):
            if getattr(type(self), name) is getattr(ScalingLawMonitor, name):
                vars(self)[name] = hook

    # validations, checkpoints, the end ---------------------------------------------------------------------------------------------

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if trainer.sanity_checking:
            self._check_name(trainer.callback_metrics)
        elif self._watch is not None:
            self._watch.validated(trainer.callback_metrics)
            if self._waiting is None:
                self._note(self._watch)  # from now on perhaps the training loss too

    def _check_name(self, logged: Mapping[str, Any]) -> None:
        """The sanity check shows what will be logged, in time for a clear error. Nothing logged there proves nothing."""
        if logged and not self.automatic and resolve(self.options.monitor, logged) is None:
            raise ValueError(missing(self.options.monitor, logged))

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        if self._watch is not None:
            self._watch.fit.epoch_ended()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        if (watch := self._leave()) is not None:
            watch.ended()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        if (watch := self._leave()) is not None:
            watch.interrupted(exception)

    def _leave(self) -> Watch | None:
        """The fit is over: nothing of it is watched any more."""
        watch, self._watch, self._waiting = self._watch, None, None
        self._step = self._batch = no_hook
        for name in STEP:
            vars(self).pop(name, None)
        return watch

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Sum over ranks before saving: the checkpoint holds rank 0's callbacks. Every rank comes here, unless it was interrupted."""
        if self._watch is not None and self._watch.fit.ranks.world > 1 and trainer.state.status != "interrupted":
            self._watch.fit.sync()
            checkpoint["callbacks"][self.state_key] = self.state_dict()

    def state_dict(self) -> dict[str, Any]:
        if self._watch is not None:
            self._watch.remember()
        return self._run.state()

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        other = checkpoint["callbacks"].get(KEYS[not self.automatic])
        if other and self.state_key not in checkpoint["callbacks"]:
            self.load_state_dict(other)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._run = Run.restored(state_dict)
        self._loaded = True
