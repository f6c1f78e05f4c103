"""`RunMonitor`: one run being trained, without any trainer.

It is given facts (N, token budget, schedule, ranks), then steps and validations, and answers with the power law, the forecast and the
advice. Trainers are adapted to it in `lightning_scaling.callbacks`; a plain loop calls it directly.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from lightning_scaling.monitor.averaged_loop import AveragedLoop
from lightning_scaling.monitor.copied_run import CopiedRun
from lightning_scaling.monitor.counting import Counting
from lightning_scaling.monitor.followed_loss import FollowedLoss
from lightning_scaling.monitor.guard import Guard
from lightning_scaling.monitor.judging import Judgement
from lightning_scaling.monitor.losses import TRAINING, TrainingLoss
from lightning_scaling.monitor.options import Options, takes_options
from lightning_scaling.monitor.points import Point, scaled
from lightning_scaling.monitor.progress import Progress
from lightning_scaling.monitor.ranks import Ranks
from lightning_scaling.monitor.recording import Target
from lightning_scaling.monitor.reporting import Reporter
from lightning_scaling.monitor.run_view import RunView
from lightning_scaling.monitor.schedule import ScheduleTracker
from lightning_scaling.monitor.schedule.tracker import Read
from lightning_scaling.monitor.totals import Totals
from lightning_scaling.monitor.verdicts import Verdicts
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord, RunState

Budget = Callable[[int], float | None] | None
NAN = float("nan")
HASTE = 5.0  # seconds that an interrupted training waits for the store


class RunMonitor(CopiedRun):
    """Counts tokens and FLOPs of a run, forecasts its end at every validation, advises, and records it, e.g.::

        with RunMonitor(params=124_000_000, token_budget=2e9, store="sqlite:///mlflow.db") as run:
            for batch in batches:
                train(batch)
                run.step(tokens=batch.numel(), lr=optimizer.param_groups[0]["lr"])
                if time_to_validate:
                    run.validated(validation_loss())
                if run.should_stop:
                    break

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
        self.options, self._given = Options(**options), options
        self.guard, self.ranks = guard or Guard(), ranks or Ranks()
        self.progress = (Progress.restored(state) if state else Progress()).identified_as(self.options.key)
        self._model, self._targets, self._read_schedule = model, tuple(targets), read_schedule
        self._reporter: Reporter | None = None
        self._metrics: dict[str, float] = {}
        self._averaged: AveragedLoop | None = None
        self.should_stop, self._state = False, RunState.RUNNING
        self._take_up()
        if model is not None:
            self.guard.attempt("counting the model", lambda: self.counting.count_model(model))

    def _take_up(self) -> None:
        """The parts that fill the progress of a run, a new one's or a resumed one's."""
        self.counting = Counting(self.options, self.progress, self.guard)
        self._totals = Totals(self.progress, self.counting, self.ranks, self.guard)
        self.loss = FollowedLoss(self.progress, self.counting, self.guard)
        self._view = RunView(self.options, self.progress, self.counting)
        self._verdicts = Verdicts(self.options, self.progress, self._view)

    @property
    def curve(self) -> Curve:
        """Loss against tokens so far, with the schedule and N."""
        return self._view.curve

    @property
    def record(self) -> RunRecord:
        """Everything kept of the run, as a store keeps it."""
        if self._reporter is not None:
            self._reporter.remember()
        return self._view.record(self._state)

    @property
    def judgement(self) -> Judgement | None:
        """The latest judgement, None before the first."""
        return self._verdicts.latest

    @property
    def token_budget(self) -> int | None:
        """Tokens at which training ends, None where it has no end."""
        return self.progress.token_budget

    @token_budget.setter
    def token_budget(self, tokens: float | None) -> None:
        chosen = tokens if self.options.token_budget is None else self.options.token_budget
        self.progress.token_budget = None if chosen is None else int(chosen)

    def start(self, batch: Any = None, model: Any = None, loaders: Any = None, optimizers: Iterable[Any] = ()) -> None:
        """Settle N and the FLOPs rule, with the first batch where batches are counted; then open the records. Once.

        Raises:
            TokenCountError: a batch does not show how many tokens it holds.
            ValueError: N is not known.
        """
        if self.counting.settled:
            return
        self.counting.settle_rule(batch, model if model is not None else self._model, loaders, optimizers)
        self.announce()

    def announce(self) -> None:
        """Open the records, on the first rank. A resumed run is announced before its first batch: a validation may come before it."""
        if self._view.tracker is None or self._view.tracker.frozen:
            self._view.tracker = ScheduleTracker(self.progress.rates, self.guard, self.options.schedule, self._read_schedule)
        self.token_budget = self.progress.token_budget
        if self.ranks.is_first and self._reporter is None:
            self._reporter = Reporter(self.options, self.guard, self.progress, self.counting, self._targets)

    def begin_batch(self, batch: Any) -> None:
        """A batch is about to be trained on: look at it now, the training step may change it."""
        self.counting.look_at(None, batch)

    def end_batch(self, loss: Any = None) -> None:
        """The batch was trained on. `loss` is kept where the training loss is followed; ask `point_due` after it."""
        if self.counting.meter is not None:
            self.counting.meter.confirm()
        if self.loss.training is not None:
            self.loss.training.add(loss)

    def point_due(self) -> bool:
        """Once after each batch: whether a point of the training loss is due, with `training_point`, at the same batches on every rank."""
        return self.loss.training is not None and self.loss.cadence.due()

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
            if loss is not None and not self.loss.of_validation:
                self.loss.of_training(TrainingLoss())
        self.guard.attempt("counting", lambda: self.counting.look_at(tokens, batch))
        self.guard.attempt("the learning rate", lambda: self.optimizer_step(lr))
        self.average_weights(self._model)
        self.guard.attempt("counting", lambda: self.end_batch(loss))
        if self.point_due():
            self.training_point()

    def average_weights(self, model: Any) -> None:
        """An optimiser step of a loop was made: its weights enter their average, where `averaging` asks for one."""
        if self._averaged is None:
            self._averaged = AveragedLoop(self.options.averaging, model, self.progress.rates.steps, self.guard)
        self.guard.attempt("the average of the weights", self._averaged.stepped)

    def averaged(self, evaluate: Callable[[], float]) -> float:
        """The loss of averaged weights by a loop's own validation, for `validated(loss, averaged_loss=run.averaged(evaluate))`.

        Evaluated about a dozen times a run, NaN otherwise, on every rank alike. Needs `averaging` and, in a plain loop, `model`.
        """
        ends = self.progress.rates.steps * (self.token_budget or 0) / max(self.progress.ledger.tokens, 1) or None
        return NAN if self._averaged is None else self._averaged.loss(evaluate, ends)

    def validated(self, loss: float, step: int | None = None, budget: Budget = None, averaged_loss: float = NAN) -> Judgement | None:
        """A validation ended with this loss: mark a point, judge it, record it. Collective; never raises.

        Args:
            loss: of this rank; averaged over ranks.
            step: at which the metrics are logged; None: the optimiser steps made.
            budget: tokens so far → token budget, read off a trainer's limits; None: it stays as it is.
            averaged_loss: of an average of recent weights on the same data, the same on every rank; NaN where it was not evaluated.

        Returns:
            The latest judgement, None before the first and on ranks that do not log.
        """
        if self.loss.name in (None, TRAINING):
            self.guard.attempt("the name of the loss", lambda: self.loss.named(self.options.monitor))
        return self._mark(loss, step, budget, averaged_loss)

    def _mark(self, loss: float, step: int | None, budget: Budget, averaged: float = NAN) -> Judgement | None:
        with self.ranks.owing(self._totals.nothing, lambda: self.ranks.agree(False)):
            return self.guard.run("the monitor at a validation", lambda: self._validated(loss, step, budget, averaged), self.judgement)

    def _validated(self, loss: float, step: int | None, budget: Budget, averaged: float) -> Judgement | None:
        self.counting.look_again()
        mean = self._totals.exchange(loss)
        if budget is not None:
            self.guard.attempt("the token budget", lambda: setattr(self, "token_budget", budget(self.progress.ledger.tokens)))
        mark = partial(self.progress.mark, mean, scaled(averaged, loss, mean))
        point = None if self.loss.unseen else self.guard.run("the curve", mark, None)
        if point is not None and self._reporter is not None:
            at = self.progress.rates.steps if step is None else step
            self._metrics = self._verdicts.report(point, self._reporter, self.loss, self.guard)
            self.guard.attempt("recording", partial(self._reporter.point, self._metrics, at, lambda: self.record))
        self._decide(point)
        return self.judgement

    def take_metrics(self) -> dict[str, float]:
        """The metrics of the last point for a trainer's loggers, once; empty on ranks that do not log."""
        found, self._metrics = self._metrics, {}
        return found

    def _decide(self, point: Point | None) -> None:
        """Whether a verdict ends the run here, as rank 0 decides."""
        reporter, mine = self._reporter, False
        if point is not None and reporter is not None and not self.should_stop:
            mine = self.guard.run("the decision to stop", lambda: self._verdicts.end_run(point, reporter), False)
        self.should_stop = self.ranks.agree(mine) or self.should_stop

    def training_point(self, step: int | None = None, budget: Budget = None) -> Judgement | None:
        """A point of the smoothed training loss, arguments as of `validated`. Collective; never raises."""
        return self.judgement if self.loss.training is None else self._mark(self.loss.read(), step, budget)

    def sync(self) -> None:
        """Sum the counts over ranks, before a checkpoint of rank 0's state. Collective; never raises."""
        self._totals.sync()

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
        self.progress = Progress.restored(state).identified_as(self.options.key)
        self._take_up()

    def finish(self) -> None:
        """Training ended by itself: the last judgement, the files of the run, the summary. Collective; never raises."""
        if self.loss.training is not None and self.loss.cadence.read():
            self.training_point()
        self.sync()
        self._state, points = RunState.FINISHED, self.progress.points.kept
        if (reporter := self._reporter) is not None:
            if points and self.loss.judged:
                self.guard.attempt("the forecast", lambda: self._verdicts.at_the_end(points[-1], reporter))
            self.guard.attempt("the end of the monitor", lambda: reporter.finished(self.record, self.judgement))
        self._release()

    def _release(self) -> None:
        """Let go of the trainer, its model and its data: what is left can be read."""
        self.counting.release()
        self._model = self._averaged = None
        if self._view.tracker is not None:
            self.guard.attempt("the schedule", self._view.tracker.freeze)

    def interrupt(self, error: BaseException) -> None:
        """Training ended by an error, Ctrl-C or a signal: no collectives, other ranks may be gone. Never raises."""
        self._state = RunState.INTERRUPTED
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
