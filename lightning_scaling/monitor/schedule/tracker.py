"""The schedule of a run in training as it is known now: the projected one while the observed rates follow it, else those observed."""

from collections.abc import Callable

import numpy as np

from lightning_scaling.monitor.guard import Guard
from lightning_scaling.monitor.schedule.observed import ObservedRates
from lightning_scaling.monitor.schedule.projection import Projection, ScheduleOutcome
from lightning_scaling.run.schedule import Schedule

# A rate that leaves the projection by more than this share of the peak was set by something the scheduler does not know.
LEAVES = 0.02
BY_HAND = "the learning rate follows no scheduler, so the schedule to come is unknown; schedule=... states it"
# (schedule observed so far) → projection of the whole run; an adapter provides it where a trainer has schedulers.
Read = Callable[[Schedule | None], Projection]


class ScheduleTracker:
    """Joins what a trainer's schedulers will do with what the rates did.

    Args:
        rates: the rates noted so far, of this fit and earlier ones.
        guard: where trouble is reported.
        given: the user's own schedule; it is taken as it is.
        read: reads the schedulers; None where only the observed rates are known.
    """

    def __init__(self, rates: ObservedRates, guard: Guard, given: Schedule | None = None, read: Read | None = None) -> None:
        self._rates, self._guard, self._reader = rates, guard, read
        self._given = given
        self._projection = Projection(given, ScheduleOutcome.GIVEN if given is not None else ScheduleOutcome.UNREADABLE)
        self._read_again_at = 1
        self.frozen = False  # read only, the training is over
        if given is None:
            self._read()

    @property
    def outcome(self) -> ScheduleOutcome:
        """How the schedule was found."""
        return self._projection.outcome

    def schedule(self) -> Schedule | None:
        """The schedule as it is known now; where the rates to come are unknown it ends at the last step."""
        if self.frozen:
            return self._given
        if self._given is not None or self._holds():
            return self._projection.schedule
        if self._projection.outcome.future_known and (self._rates.steps >= self._read_again_at or self._passed()):
            self._read()
        if self._holds():
            return self._projection.schedule
        if self._projection.outcome.future_known:
            self._guard.warn("schedule", BY_HAND)
        return self._rates.line()

    def freeze(self) -> None:
        """The fit is over: keep the schedule as it is known and let go of the trainer."""
        self._given, self._reader = self.schedule(), None
        self.frozen = True

    def _read(self) -> None:
        self._read_again_at = 2 * self._rates.steps + 1
        if self._reader is None:
            return
        reader, observed = self._reader, self._rates.line()
        self._projection = self._guard.run("reading the learning-rate schedule", lambda: reader(observed), self._projection)
        if not self._projection.outcome.future_known:
            self._guard.warn("schedule", str(self._projection.outcome))

    def _passed(self) -> bool:
        """Whether the run is past the part of an endless or very long schedule that was read."""
        known, partly = self._projection.schedule, (ScheduleOutcome.ENDLESS, ScheduleOutcome.SHORTENED)
        return known is not None and self._projection.outcome in partly and self._rates.steps > known.step[-1]

    def _holds(self) -> bool:
        observed = self._rates.line()
        if observed is None:
            return True
        known = self._projection.schedule
        if known is None or not self._projection.outcome.future_known:
            return False
        apart = np.abs(known.at(observed.step) - observed.lr)
        return bool(apart.max() <= LEAVES * known.peak)
