"""The judgements of a run on the rank that reports: made when they can be paid for, reported, and acted on where the user asked for it."""

from lightning_scaling.monitor.budget import TimeBudget
from lightning_scaling.monitor.followed_loss import FollowedLoss
from lightning_scaling.monitor.guard import Guard
from lightning_scaling.monitor.judging import Evidence, Judge, Judgement
from lightning_scaling.monitor.metrics import metrics
from lightning_scaling.monitor.options import Options
from lightning_scaling.monitor.points import Point
from lightning_scaling.monitor.progress import Progress
from lightning_scaling.monitor.reporting import Reporter
from lightning_scaling.monitor.run_view import RunView
from lightning_scaling.monitor.stopping import Stopper


class Verdicts:
    """Args:
    options, progress, view: of the run.
    """

    def __init__(self, options: Options, progress: Progress, view: RunView) -> None:
        self.latest: Judgement | None = None
        self._progress, self._view = progress, view
        self._judge = Judge(TimeBudget(options.overhead), options)
        self._stopper = Stopper(options.stop, progress.stopping)  # type: ignore[arg-type]

    def report(self, point: Point, reporter: Reporter, loss: FollowedLoss, guard: Guard) -> dict[str, float]:
        """Judge a new point and return its metrics. Never raises."""
        if loss.judged:
            guard.attempt("the forecast", lambda: self.at(point, reporter))
        return guard.run("the metrics", lambda: metrics(point, self.latest, loss.key), {})

    def at(self, point: Point, reporter: Reporter) -> None:
        """Judge the run at its last point, if the time budget allows it."""
        self._take(self._judge.ask(lambda: self._evidence(point, reporter)), reporter)

    def at_the_end(self, point: Point, reporter: Reporter) -> None:
        """Judge a run that has ended, whatever it costs."""
        self._take(self._judge.last(lambda: self._evidence(point, reporter)), reporter)

    def _take(self, judgement: Judgement | None, reporter: Reporter) -> None:
        if judgement is not None:
            self.latest = judgement
            self._progress.predict(judgement.prediction())
            family = judgement.advice.family
            self._progress.family = {} if family is None else family.to_json()
            reporter.judged(judgement)

    def _evidence(self, point: Point, reporter: Reporter) -> Evidence:
        view, related = self._view, reporter.related.curves
        return Evidence(view.curve, view.flops, point, self._progress.token_budget, related, view.schedule_free, view.unit)

    def end_run(self, point: Point, reporter: Reporter) -> bool:
        """Whether the latest verdict is one that may end the run and has held long enough."""
        judgement = self.latest
        if not self._stopper.names or judgement is None:
            return False
        if not self._stopper.decide(judgement.advice.verdict.name, point.tokens, judgement.at):
            return False
        reporter.stopped(judgement.advice)
        return True
