"""The learning rates of the rest of a training, read off its torch schedulers, joined to those that were observed.

A forecast made before the rate has fallen needs to know that it will. Short schedules are read by stepping copies (`stepping`), long ones
by asking for the rate at a position (`closed_form`); what was read is simplified to a few hundred knots.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats
from lightning_scaling.monitor.schedule.calls import MOST_STEPS, SchedulerCalls
from lightning_scaling.monitor.schedule.closed_form import rates_by_position
from lightning_scaling.monitor.schedule.host_rate import followed_group
from lightning_scaling.monitor.schedule.stepping import rate_of, step_through
from lightning_scaling.outcome import Outcome
from lightning_scaling.run.schedule import Schedule
from lightning_scaling.run.thinning import knots

LONG = 20_000  # up to here every step is taken (a tenth of a second), beyond the scheduler is asked for its rates where it can be
MOST_CALLS = 200_000  # where it cannot, stepping costs 5 to 10 µs each; a longer schedule is read this far
MOST_KNOTS = 400
ENDLESS_STEPS = 20_000  # optimiser steps read of a training without end


class ScheduleOutcome(Outcome):
    """What is known of the learning rates to come."""

    READ = "the learning-rate schedule was read from the scheduler to the end of training"
    GIVEN = "the learning-rate schedule was given"
    CONSTANT = "there is no scheduler, so the learning rate is taken to stay as it is"
    ENDLESS = f"training has no stated end: the schedule is read for the next {ENDLESS_STEPS} steps; max_steps or max_epochs would end it"
    SHORTENED = "the schedule is too long to be read to its end and is taken to stay at the last rate that was read"
    PLATEAU = "ReduceLROnPlateau decides by losses to come, so the schedule is unknown: forecasts take the learning rate to stay as it is"
    MANUAL = "under manual optimisation the module steps its schedulers itself, so the schedule is unknown; schedule=... states it"
    OWN_STEPPING = "the module steps its scheduler in its own lr_scheduler_step, so the schedule is unknown; schedule=... states it"
    UNREADABLE = "the scheduler could not be copied and stepped, so the schedule is unknown; schedule=... states it"
    NO_RATE = "no optimiser has a positive learning rate (relative steps, or no optimiser), so there is no schedule"
    SCHEDULE_FREE = "the optimiser is schedule-free: its rate stays constant and no decay is due"

    @property
    def future_known(self) -> bool:
        """Whether the rates to come are known, not only those observed."""
        return self.name in ("READ", "GIVEN", "CONSTANT", "ENDLESS", "SHORTENED", "SCHEDULE_FREE", "NO_RATE")


@dataclass(frozen=True)
class Projection:
    """A schedule to the end of training, or why there is none.

    Args:
        schedule: learning rate over optimiser steps (at s: the rate of the step made when s steps are done); where the rates to come are
            unknown those observed, or None.
        outcome: how it was found.
        total_steps: optimiser steps at the end of training, None without end.
        note: details for a log.
    """

    schedule: Schedule | None
    outcome: ScheduleOutcome
    total_steps: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Stepped:
    """A scheduler and how often it is stepped: every `frequency`-th "step" or "epoch"."""

    scheduler: Any
    interval: str = "step"
    frequency: int = 1


def project(
    optimiser: Any,
    schedulers: Sequence[Stepped],
    total_steps: int | None,
    step: int = 0,
    *,
    calls: SchedulerCalls | None = None,
    observed: Schedule | None = None,
) -> Projection:
    """The schedule of one optimiser, from its present step to the end of training.

    Args:
        optimiser: whose rate is meant; None where training has none.
        schedulers: those that are stepped with it; none where the rate is constant.
        total_steps: optimiser steps at the end of training, None without end.
        step: optimiser steps made so far, where the schedulers are now.
        calls: batches, epochs and accumulation, where schedulers follow epochs.
        observed: rates of the steps before `step`.
    """
    if optimiser is None:
        return Projection(observed, ScheduleOutcome.NO_RATE, total_steps)
    group = followed_group(optimiser.param_groups)
    if "schedulefree" in type(optimiser).__name__.lower():
        return constant(rate_of(optimiser, group), total_steps, step, observed, ScheduleOutcome.SCHEDULE_FREE)
    if not schedulers:
        return constant(rate_of(optimiser, group), total_steps, step, observed)
    if any(type(s.scheduler).__name__ == "ReduceLROnPlateau" for s in schedulers):
        return Projection(observed, ScheduleOutcome.PLATEAU, total_steps)
    remaining = ENDLESS_STEPS if total_steps is None else max(total_steps - step, 0)
    try:
        steps, rates = _remaining(schedulers, remaining, calls or SchedulerCalls(total_steps, step), group)
    except Exception as error:  # a user's scheduler may do anything on a copy; training continues without its schedule
        return Projection(observed, ScheduleOutcome.UNREADABLE, total_steps, f"{type(error).__name__}: {error}")
    short = steps[-1] < remaining and steps[-1] in (MOST_CALLS, MOST_STEPS)
    outcome = ScheduleOutcome.ENDLESS if total_steps is None else ScheduleOutcome.SHORTENED if short else ScheduleOutcome.READ
    return _joined(observed, step + steps, rates, total_steps, outcome)


def constant(
    rate: float,
    total_steps: int | None,
    step: int = 0,
    observed: Schedule | None = None,
    outcome: ScheduleOutcome = ScheduleOutcome.CONSTANT,
) -> Projection:
    """The schedule where nothing changes the rate."""
    if not rate > 0:
        return Projection(observed, ScheduleOutcome.NO_RATE, total_steps)
    end = max(total_steps or step, step)
    return _joined(observed, np.array([step, end]), np.array([rate, rate]), total_steps, outcome)


def _remaining(schedulers: Sequence[Stepped], remaining: int, calls: SchedulerCalls, group: int) -> tuple[NDArray[np.int64], Floats]:
    """Steps from now, and their rates."""
    if remaining > LONG and len(schedulers) == 1:
        only = schedulers[0]
        found = rates_by_position(only.scheduler, calls.calls(only.interval, only.frequency, remaining), group)
        if found is not None:
            return found
    most = min(remaining, MOST_CALLS)
    rates = step_through([s.scheduler for s in schedulers], [calls.calls(s.interval, s.frequency, most) for s in schedulers], group)
    return np.arange(len(rates)), rates


def _joined(
    observed: Schedule | None, remaining: NDArray[np.int64], rates: Floats, total: int | None, outcome: ScheduleOutcome
) -> Projection:
    """Observed and projected rates as one schedule. A rate below zero (a linear decay past its end) counts as zero."""
    step, steps, rates = remaining[0], remaining.astype(np.float64), np.maximum(rates, 0.0)
    if not (np.isfinite(rates).all() and (rates.any() or observed is not None)):
        return Projection(observed, ScheduleOutcome.NO_RATE, total)
    kept = knots(steps, rates, MOST_KNOTS)
    steps, rates = steps[kept], rates[kept]
    if total is not None and steps[-1] < total:
        steps, rates = np.append(steps, total), np.append(rates, rates[-1])
    if observed is not None and (past := observed.step < step).any():
        steps, rates = np.concatenate([observed.step[past], steps]), np.concatenate([observed.lr[past], rates])
    return Projection(Schedule(steps, rates) if rates.any() else None, outcome, total)
