"""`RunMonitor`: one run being trained, without any trainer.

It is given facts (N, token budget, schedule, ranks), then steps and validations, and answers with the power law, the forecast and the
advice. It owns the counts, the curve, the judging, the recording, the decision to stop and the state of a checkpoint. Trainers are
adapted to it in `lightning_scaling.callbacks`; a plain loop calls it directly.

From a batch to a judgement: `begin_batch` and `end_batch` count (`counting`), `optimizer_step` notes the rate (`schedule`), `validated`
marks a point (`progress`), judges it (`judging`), reports what changed (`reporting`) and records it (`recording`).
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from lightning_scaling.laws.power import PowerLaw
from lightning_scaling.monitor.budget import TimeBudget
from lightning_scaling.monitor.counting import Counting
from lightning_scaling.monitor.guard import Guard
from lightning_scaling.monitor.judging import Evidence, Judge, Judgement
from lightning_scaling.monitor.losses import TRAINING, Cadence, TrainingLoss, kind_of
from lightning_scaling.monitor.metrics import metrics
from lightning_scaling.monitor.options import Options, takes_options
from lightning_scaling.monitor.points import Point, Points
from lightning_scaling.monitor.progress import Progress
from lightning_scaling.monitor.ranks import Ranks
from lightning_scaling.monitor.recording import Target
from lightning_scaling.monitor.reporting import Reporter
from lightning_scaling.monitor.schedule import ScheduleOutcome, ScheduleTracker
from lightning_scaling.monitor.schedule.tracker import Read
from lightning_scaling.monitor.stopping import Stopper
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord, RunState

NO_COUNTS = [0] * 15  # three counts in five limbs each, see `accounting.limbs`
HASTE = 5.0  # seconds that an interrupted training waits for the store


class RunMonitor:
    """Counts tokens and FLOPs of a run, forecasts its end at every validation, advises, and records it.

    Example, a plain loop::

        with RunMonitor(params=124_000_000, token_budget=2e9, store="sqlite:///mlflow.db") as run:
            for batch in batches:
                loss = train(batch)
                run.step(tokens=batch.numel(), lr=optimizer.param_groups[0]["lr"])
                if time_to_validate:
                    judgement = run.validated(validation_loss())
                    if run.should_stop:
                        break

    `params` takes the number of parameters, or a convention ("total", "non_embedding") where `model` is given. Configuration errors are
    raised here and at the first step; once the first step is done nothing raises any more: a failure is one warning, and the part that
    failed is switched off.

    Raises:
        ValueError: an option that makes no sense, or N is not known.
    """

    @takes_options
    def __init__(
        self,
        *,
        model: Any = None,
        ranks: Ranks | None = None,
        targets: Iterable[Target] = (),
        read_schedule: Read | None = None,
        state: dict[str, Any] | None = None,
        guard: Guard | None = None,
        **options: Any,
    ) -> None:
        self.options = Options(**options)
        self.guard = guard or Guard()
        self.ranks = ranks or Ranks()
        self.progress = Progress.restored(state) if state else Progress()
        self.counting = Counting(self.options, self.progress, self.guard)
        self.training_loss: TrainingLoss | None = None
        self._cadence = Cadence()
        self.should_stop = False
        self.weights_averaged = False
        self._model, self._targets, self._read_schedule = model, tuple(targets), read_schedule
        self._tracker: ScheduleTracker | None = None
        self._reporter: Reporter | None = None
        self._judge = Judge(TimeBudget(), self.options)
        self._judgement: Judgement | None = None
        self._followed: str | None = None
        self._metrics: dict[str, float] = {}
        self._stopper = Stopper(self.options.stop, self.progress.stopping)  # type: ignore[arg-type]
        self._state = RunState.RUNNING
        self._record: tuple[tuple[Any, ...], RunRecord] | None = None
        if model is not None:
            self.guard.attempt("counting the model", lambda: self.counting.count_model(model))

    # what programs read ------------------------------------------------------------------------------------------------------------

    @property
    def curve(self) -> Curve:
        """Loss against tokens so far, with the schedule and N."""
        points = self.progress.points.kept
        columns = [p.tokens for p in points], [p.loss for p in points], [p.step for p in points]
        schedule = self._tracker.schedule() if self._tracker else self.options.schedule
        return Curve(*columns, schedule=schedule, params=self.counting.params, unique_tokens=self.options.unique_tokens)

    @property
    def flops(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """(n,) cumulative FLOPs at the points of the curve, by the run's rule."""
        return np.array([p.flops for p in self.progress.points.kept], dtype=np.float64)

    @property
    def record(self) -> RunRecord:
        """Everything kept of the run, as a store keeps it."""
        self.counting.settle()
        if self._reporter is not None:
            self._reporter.remember()
        now = (self.progress.ledger.tokens, self._state, *self.progress.run_ids.values())
        if self._record is None or self._record[0] != now:
            self._record = (now, self._make_record())
        return self._record[1]

    @property
    def judgement(self) -> Judgement | None:
        """The latest judgement, None before the first."""
        return self._judgement

    @property
    def forecast(self) -> Any:
        """The latest forecast of the end of the token budget, None before the first."""
        return self._judgement.forecast if self._judgement else None

    @property
    def advice(self) -> Any:
        """The latest advice, None before the first."""
        return self._judgement.advice if self._judgement else None

    @property
    def power_law(self) -> PowerLaw | None:
        """L(C) = L_inf + (C0/C)^alpha of the run so far, None before the first judgement."""
        return self._judgement.power_law if self._judgement else None

    @property
    def related_runs(self) -> tuple[Curve, ...]:
        """Finished runs of the family that help the forecast, those found in the store by now among them."""
        return self._reporter.related.curves if self._reporter else tuple(self.options.siblings or ())

    @property
    def token_budget(self) -> int | None:
        """Tokens at which training ends, None where it has no end."""
        return self.progress.token_budget

    @token_budget.setter
    def token_budget(self, tokens: float | None) -> None:
        given = self.options.token_budget
        chosen = given if given is not None else tokens
        self.progress.token_budget = None if chosen is None else int(chosen)

    # the start: errors of configuration are raised -----------------------------------------------------------------------------------

    def start(self, batch: Any = None, model: Any = None, loaders: Any = None) -> None:
        """Settle N and the FLOPs rule, with the first batch where batches are counted; then open the records. Once.

        Raises:
            TokenCountError: a batch does not show how many tokens it holds.
            ValueError: N is not known.
        """
        if self.counting.settled:
            return
        self.counting.settle_rule(batch, model if model is not None else self._model, loaders)
        self._model = None
        self.announce()

    def announce(self) -> None:
        """Open the records, on the first rank. A resumed run is announced before its first batch: a validation may come before it."""
        if self._tracker is None:
            rates, given = self.progress.rates, self.options.schedule
            self._tracker = ScheduleTracker(rates, self.guard, given, self._read_schedule)
        self.token_budget = self.progress.token_budget
        if self.ranks.is_first and self._reporter is None:
            self._reporter = Reporter(self.options, self.guard, self.progress, self.counting, self._targets)

    # the step: host numbers only -----------------------------------------------------------------------------------------------------

    def begin_batch(self, batch: Any) -> None:
        """A batch is about to be trained on: look at it now, the training step may change it."""
        if self.counting.meter is not None:
            self.counting.meter.begin(batch)

    def end_batch(self, loss: Any = None) -> None:
        """The batch was trained on. `loss` is kept where the training loss is followed; ask `point_due` after it."""
        if self.counting.meter is not None:
            self.counting.meter.confirm()
        if self.training_loss is not None:
            self.training_loss.add(loss)

    def point_due(self) -> bool:
        """Once after each batch: whether a point of the training loss is due, with `training_point`, at the same batches on every rank."""
        return self.training_loss is not None and self._cadence.due()

    def optimizer_step(self, rate: float | None) -> None:
        """An optimiser step is made at this learning rate, None where it is not known."""
        self.progress.rates.note(rate)

    def step(self, *, tokens: int | None = None, batch: Any = None, lr: float | None = None, loss: Any = None) -> None:
        """One optimiser step of a plain loop.

        Args:
            tokens: trained on in this step; or `batch`, whose tokens are counted.
            lr: the learning rate of the step.
            loss: the training loss, followed until a validation loss is reported.

        Raises:
            ValueError: neither tokens nor a batch, at the first step; N is not known.
        """
        if not self.counting.settled:
            if tokens is None and batch is None:
                raise ValueError("a step needs tokens=<int> or batch=<batch>")
            self.start(batch)
            if loss is not None and not self.follows_validation:
                self.follow_training_loss(TrainingLoss())
        self.guard.attempt("counting", lambda: self._count(tokens, batch))
        self.guard.attempt("the learning rate", lambda: self.optimizer_step(lr))
        self.guard.attempt("counting", lambda: self.end_batch(loss))
        if self.point_due():
            self.training_point()

    def _count(self, tokens: int | None, batch: Any) -> None:
        if batch is not None:
            self.begin_batch(batch)
        elif tokens is not None:
            self.counting.add(int(tokens))

    @property
    def follows_validation(self) -> bool:
        """Whether a validation loss was reported, in this training or in the one it resumes."""
        return self.progress.followed not in (None, TRAINING)

    def follow_training_loss(self, loss: TrainingLoss) -> None:
        """There is no validation loss: the smoothed training loss is followed, under its own name."""
        self.training_loss = loss
        self.follow(TRAINING)

    def follow(self, name: str) -> None:
        """The loss that is followed has this name; reported where it is another one than was asked for."""
        name = name.removesuffix("_epoch")
        if name == self._followed:
            return
        if self.progress.followed == TRAINING and name != TRAINING:  # its points do not belong to a curve of the validation loss
            self.training_loss, self.progress.points, self.progress.predictions = None, Points(), []
        self._followed = self.progress.followed = name
        kind = kind_of(name)
        self.counting.follow(f"{name} [{kind}]" if kind else name, "averaged" if self.weights_averaged else "raw")
        if kind == "accuracy":
            self.guard.warn("loss", f"{name} is no loss: it is recorded, but there is no forecast and no advice; monitor=... names a loss")

    # validations, checkpoints, the end -------------------------------------------------------------------------------------------------

    def validated(self, loss: float, step: int | None = None, budget: Callable[[int], float | None] | None = None) -> Judgement | None:
        """A validation ended with this loss: mark a point, judge it, record it. Collective; never raises.

        Args:
            loss: of this rank; averaged over ranks.
            step: at which the metrics are logged; None: the optimiser steps made.
            budget: tokens so far → token budget, read off a trainer's limits; None: it stays as it is.

        Returns:
            The latest judgement, None before the first and on ranks that do not log.
        """
        if self._followed in (None, TRAINING):
            self.guard.attempt("the name of the loss", lambda: self.follow(self.options.monitor))
        return self._mark(loss, step, budget)

    def _mark(self, loss: float, step: int | None, budget: Callable[[int], float | None] | None) -> Judgement | None:
        with self.ranks.owing(lambda: self.ranks.exchange(NO_COUNTS), lambda: self.ranks.agree(False)):
            return self.guard.run("the monitor at a validation", lambda: self._validated(loss, step, budget), self._judgement)

    def _validated(self, loss: float, step: int | None, budget: Callable[[int], float | None] | None) -> Judgement | None:
        self.guard.attempt("counting the model again", self.counting.look_again)
        counts = self.guard.run("counting", self._delta, NO_COUNTS)
        summed, mean = self.ranks.exchange(counts, loss)
        self.progress.ledger.sync(summed)
        if budget is not None:
            self.guard.attempt("the token budget", lambda: self._read_budget(budget))
        point = self.guard.run("the curve", lambda: self.progress.mark(mean) if self.progress.ledger.tokens else None, None)
        if point is not None and self._reporter is not None:
            self.guard.attempt("the forecast", lambda: self._judge_point(point))
            self.guard.attempt("recording", lambda: self._record_point(point, self.progress.rates.steps if step is None else step))
        self._decide(point)
        return self._judgement

    def _delta(self) -> list[int]:
        self.counting.settle()
        return self.progress.ledger.delta()

    def _read_budget(self, budget: Callable[[int], float | None]) -> None:
        self.token_budget = budget(self.progress.ledger.tokens)

    def _judge_point(self, point: Point) -> None:
        if kind_of(self._followed or "") != "accuracy":
            self._take(self._judge.ask(lambda: self._evidence(point)))

    def _record_point(self, point: Point, step: int) -> None:
        assert self._reporter is not None
        self._metrics = metrics(point, self._judgement, TRAINING if self._followed == TRAINING else "val_loss")
        self._reporter.point(self._metrics, step, lambda: self.record)

    def take_metrics(self) -> dict[str, float]:
        """The metrics of the last point for a trainer's loggers, once; empty on ranks that do not log."""
        found, self._metrics = self._metrics, {}
        return found

    def _take(self, judgement: Judgement | None) -> None:
        if judgement is None:
            return
        self._judgement = judgement
        self.progress.predict(judgement.prediction())
        if self._reporter is not None:
            self._reporter.judged(judgement)

    def _evidence(self, point: Point) -> Evidence:
        free = self._tracker is not None and self._tracker.outcome is ScheduleOutcome.SCHEDULE_FREE
        unit = "samples" if self.options.tokens == "samples" else "tokens"
        return Evidence(self.curve, self.flops, point, self.token_budget, self.related_runs, free, unit)

    def _decide(self, point: Point | None) -> None:
        """Whether a verdict ends the run here, as rank 0 decides."""
        mine = self.guard.run("the decision to stop", lambda: self._wants_to_stop(point), False)
        self.should_stop = self.ranks.agree(mine) or self.should_stop

    def _wants_to_stop(self, point: Point | None) -> bool:
        judgement = self._judgement
        if not self._stopper.names or self.should_stop or judgement is None or point is None or self._reporter is None:
            return False
        if not self._stopper.decide(judgement.advice.verdict.name, point.tokens, judgement.at):
            return False
        self._reporter.stopped(judgement.advice)
        return True

    def training_point(self, step: int | None = None, budget: Callable[[int], float | None] | None = None) -> Judgement | None:
        """A point of the smoothed training loss, in a training without validation; arguments as of `validated`. Collective."""
        followed = self.training_loss
        if followed is None:
            return self._judgement
        self.guard.warn(
            "training loss", "there is no validation loss: the smoothed training loss is followed, which does not show over-fitting"
        )
        return self._mark(self.guard.run("the training loss", followed.read, float("nan")), step, budget)

    def sync(self) -> None:
        """Sum the counts over ranks, before a checkpoint of rank 0's state. Collective; never raises."""
        with self.ranks.owing(lambda: self.ranks.exchange(NO_COUNTS)):
            self.guard.attempt("the sum over ranks", self._sync)

    def _sync(self) -> None:
        counts = self.guard.run("counting", self._delta, NO_COUNTS)
        self.progress.ledger.sync(self.ranks.exchange(counts)[0])

    def state_dict(self) -> dict[str, Any]:
        """The run for a checkpoint: strings, numbers, lists and dicts."""
        self.counting.settle()
        if self._reporter is not None:
            self._reporter.remember()
        return self.progress.state()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume the run of a checkpoint; call before the first step.

        Raises:
            ValueError: the state is of a newer version, or training has begun.
        """
        if self.counting.settled:
            raise ValueError("load_state_dict resumes a run before its first step; this one has begun")
        self.progress = Progress.restored(state)
        self.counting = Counting(self.options, self.progress, self.guard)
        self._stopper = Stopper(self.options.stop, self.progress.stopping)  # type: ignore[arg-type]

    def finish(self) -> None:
        """Training ended by itself: the last judgement, the files of the run, the summary. Collective; never raises."""
        if self.training_loss is not None and self._cadence.read():
            self.training_point()
        self.sync()
        self._state = RunState.FINISHED
        if self._reporter is not None:
            self.guard.attempt("the end of the monitor", self._finish)
        self._release()

    def _finish(self) -> None:
        assert self._reporter is not None
        points = self.progress.points.kept
        if points and kind_of(self._followed or "") != "accuracy":
            self.guard.attempt("the forecast", lambda: self._take(self._judge.last(lambda: self._evidence(points[-1]))))
        self._reporter.finished(self.record, self._judgement)

    def _release(self) -> None:
        """Let go of the trainer, its model and its data: what is left can be read."""
        self.counting.release()
        if self._tracker is not None:
            self._tracker.freeze()

    def interrupt(self, error: BaseException) -> None:
        """Training ended by an error, Ctrl-C or a signal: no collectives, other ranks may be gone. Never raises."""
        self._state = RunState.CUT_OFF
        if self._reporter is not None:
            reporter, status = self._reporter, "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            self.guard.attempt("the end of the monitor", lambda: reporter.close(self.record, status, HASTE))
        self._release()

    def close(self) -> None:
        """The run has ended."""
        if self._state is RunState.RUNNING:
            self.finish()

    def __enter__(self) -> "RunMonitor":
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None:
            self.close()
        else:
            self.interrupt(error)

    def _make_record(self) -> RunRecord:
        progress, counting = self.progress, self.counting
        return RunRecord(
            key=progress.key,
            curve=self.curve,
            flops=self.flops,
            conventions=counting.conventions,
            groups=counting.groups,
            planned_tokens=progress.token_budget,
            predictions=tuple(progress.predictions),
            ended=self._state is RunState.FINISHED,
            state=self._state,
            name=self.options.run_name or "",
            family=self.options.family,
            experiment=self.options.experiment,
            run_id=next(iter(progress.run_ids.values()), None),
            extra={
                "tokens_trained": progress.ledger.tokens,
                "flops_spent": progress.ledger.flops,
                "hardware_flops": progress.ledger.hardware_flops,
            },
        )
