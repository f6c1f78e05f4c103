"""The course of one watched fit: first batch, points, stop, end. Runs on every rank; only the first has an outlet."""

from collections.abc import Mapping
from typing import Any

from lightning_scaling.callbacks.fit import Fit
from lightning_scaling.callbacks.losses import missing, resolve
from lightning_scaling.callbacks.outlet import Outlet
from lightning_scaling.callbacks.points import Point
from lightning_scaling.callbacks.stopping import Stopper
from lightning_scaling.run.record import RunState

# Seconds that an interrupted training waits for the store.
HASTE = 5.0


class Watch:
    """Args:
    fit: what is counted.
    stopper: whether a verdict ends the run.
    """

    def __init__(self, fit: Fit, stopper: Stopper) -> None:
        self.fit, self.stopper = fit, stopper
        self.outlet: Outlet | None = None
        self.state = RunState.RUNNING
        self.stopped = False

    def begin(self) -> None:
        """Announce a run that goes on at once: Lightning may repeat an interrupted validation before it trains another batch."""
        if self.fit.run.flops_rule is not None:
            self._announce()

    def first_batch(self, batch: Any) -> None:
        """See the first batch before it is trained on; only then is a new run announced to the store."""
        self.fit.first_batch(batch)
        self._announce()

    def _announce(self) -> None:
        if self.fit.ranks.is_first and self.outlet is None:
            self.outlet = Outlet(self.fit)

    def validated(self, logged: Mapping[str, Any]) -> None:
        """A validation ended: a point at the loss it logged."""
        fit = self.fit
        if fit.run.flops_rule is None or fit.training_loss is not None:
            return
        name = resolve(fit.options.monitor, logged)
        if name is not None:
            fit.follow(name)
            return self._point(float(logged[name]))
        fit.once.warn("monitor", f"{missing(fit.options.monitor, logged)}; until then the training loss is followed")
        fit.follow_training_loss()

    def training_point(self) -> None:
        """A point of the smoothed training loss, in a training without validation."""
        fit = self.fit
        if fit.training_loss is None or not fit.training_loss.seen:
            return
        fit.once.warn(
            "training loss", "there is no validation loss: the smoothed training loss is followed, which says nothing of over-fitting"
        )
        self._point(fit.training_loss.read(fit.run.rates.steps))

    def _point(self, loss: float) -> None:
        point = self.fit.mark(loss)
        if point is None:
            return
        if self.outlet is not None:
            self.outlet.validated(point)
        if self.stopper.names and self.fit.ranks.agree(self._decide(point)):
            self.stopped = True
            self.fit.trainer.should_stop = True

    def _decide(self, point: Point) -> bool:
        judgement = self.outlet.judgement if self.outlet else None
        if self.stopped or judgement is None or self.outlet is None:
            return False
        advice = judgement.advice
        if not self.stopper.decide(advice.verdict.name, point.tokens, judgement.at):
            return False
        self.outlet.stopped(advice)
        return True

    def ended(self) -> None:
        """Training ended by itself. Collective."""
        self.training_point()
        self.fit.sync()
        if self.stopped:
            self.stopper.save_checkpoint(self.fit.trainer)
        self.state = RunState.FINISHED
        if self.outlet is not None:
            self.outlet.finish()

    def interrupted(self, exception: BaseException) -> None:
        """An exception, Ctrl-C or SIGTERM: no collectives, other ranks may be gone."""
        self.fit.settle()
        self.state = RunState.CUT_OFF
        if self.outlet is not None:
            self.outlet.close(self.state, "KILLED" if isinstance(exception, KeyboardInterrupt) else "FAILED", HASTE)

    def remember(self) -> None:
        """Bring the run up to date for a checkpoint."""
        self.fit.settle()
        if self.outlet is not None:
            self.outlet.remember()
