"""The learning-rate plan of a whole run: what was observed of it, and what its schedulers will still do.

A forecast made before the rate has fallen needs to know that it will. The plan is read from the schedulers themselves, whatever they are,
by stepping copies of them to the end of training (`replay`), and thinned to a few hundred corners.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.callbacks.corners import corners
from lightning_scaling.callbacks.long_plan import leap
from lightning_scaling.callbacks.replay import replay
from lightning_scaling.callbacks.rhythm import MOST_STEPS, Rhythm
from lightning_scaling.outcome import Outcome
from lightning_scaling.run.schedule import Schedule

LONG = 20_000  # up to here every step is replayed (a tenth of a second), beyond the scheduler is asked for its rates where it can be
MOST_CALLS = 200_000  # where it cannot, stepping costs 5 to 10 µs each; a longer plan is read this far
AHEAD = 20_000  # optimiser steps read of a training without end


class PlanOutcome(Outcome):
    """What is known of the learning rates to come."""

    READ = "the learning-rate plan was read from the scheduler to the end of training"
    CONSTANT = "there is no scheduler, so the learning rate is taken to stay as it is"
    ENDLESS = f"training has no stated end, so the plan is read {AHEAD} optimiser steps ahead; max_steps or max_epochs would end it"
    CUT = "the plan is too long to be read to its end and is taken to stay at the last rate that was read"
    PLATEAU = "ReduceLROnPlateau decides by the losses to come, so it has no plan: forecasts take the learning rate to stay as it is"
    MANUAL = "under manual optimisation the schedulers are stepped by the module itself, so there is no plan to read"
    OWN_STEPPING = "the module steps its scheduler in its own lr_scheduler_step, so there is no plan to read"
    UNREADABLE = "the scheduler could not be copied and stepped, so there is no plan to read"
    NO_RATE = "no optimiser tells a positive learning rate, so there is no plan"


@dataclass(frozen=True)
class Plan:
    """A plan, or why there is none.

    Args:
        schedule: learning rate over optimiser steps (at s: the rate of the step made when s steps are done); where the rates to come are
            unknown what was observed, or None.
        outcome: how it came about.
        total_steps: optimiser steps at the end of training, None without end.
        note: details for a log.
    """

    schedule: Schedule | None
    outcome: PlanOutcome
    total_steps: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Stepped:
    """A scheduler and how often it is stepped: every `frequency`-th "step" or "epoch"."""

    scheduler: Any
    interval: str = "step"
    frequency: int = 1


def plan_of(
    schedulers: Any | Sequence[Stepped],
    total_steps: int | None,
    step: int = 0,
    *,
    rhythm: Rhythm | None = None,
    group: int = 0,
    observed: Schedule | None = None,
) -> Plan:
    """The plan of one optimiser.

    Args:
        schedulers: a torch scheduler that is stepped with the optimiser, or a list of `Stepped`.
        total_steps: optimiser steps at the end of training, None without end.
        step: optimiser steps made so far; the schedulers stand there.
        rhythm: batches, epochs and accumulation, where schedulers follow epochs.
        group: the parameter group whose rate is meant.
        observed: rates that were really seen before `step`; they are the plan's past.
    """
    stepped = list(schedulers) if isinstance(schedulers, list | tuple) else [Stepped(schedulers)]
    if any(type(s.scheduler).__name__ == "ReduceLROnPlateau" for s in stepped):
        return Plan(observed, PlanOutcome.PLATEAU, total_steps)
    ahead = AHEAD if total_steps is None else max(total_steps - step, 0)
    try:
        steps, rates = _ahead(stepped, ahead, rhythm or Rhythm(total_steps, step), group)
    except Exception as error:  # a user's scheduler may do anything on a copy; training goes on without its plan
        return Plan(observed, PlanOutcome.UNREADABLE, total_steps, f"{type(error).__name__}: {error}")
    cut = steps[-1] < ahead and steps[-1] in (MOST_CALLS, MOST_STEPS)
    outcome = PlanOutcome.ENDLESS if total_steps is None else PlanOutcome.CUT if cut else PlanOutcome.READ
    return _joined(observed, step + steps, rates, total_steps, outcome)


def _ahead(stepped: Sequence[Stepped], ahead: int, rhythm: Rhythm, group: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Steps ahead of now, and their rates."""
    if ahead > LONG and len(stepped) == 1:
        only = stepped[0]
        found = leap(only.scheduler, rhythm.calls(only.interval, only.frequency, ahead), group)
        if found is not None:
            return found
    most = min(ahead, MOST_CALLS)
    rates = replay([s.scheduler for s in stepped], [rhythm.calls(s.interval, s.frequency, most) for s in stepped], group)
    return np.arange(len(rates)), rates


def constant_plan(rate: float, total_steps: int | None, step: int = 0, observed: Schedule | None = None) -> Plan:
    """The plan where nothing changes the rate."""
    end = max(total_steps or step, step)
    return _joined(observed, np.array([step, end]), np.array([rate, rate]), total_steps, PlanOutcome.CONSTANT)


def _joined(
    observed: Schedule | None, ahead: NDArray[np.int64], rates: NDArray[np.float64], total: int | None, outcome: PlanOutcome
) -> Plan:
    step, steps = ahead[0], ahead.astype(np.float64)
    kept = corners(steps, rates)
    steps, rates = steps[kept], rates[kept]
    if total is not None and steps[-1] < total:
        steps, rates = np.append(steps, total), np.append(rates, rates[-1])
    if observed is not None and (past := observed.step < step).any():
        steps, rates = np.concatenate([observed.step[past], steps]), np.concatenate([observed.lr[past], rates])
    if not (np.isfinite(rates).all() and (rates >= 0).all() and rates.any()):
        return Plan(None, PlanOutcome.NO_RATE, total)
    return Plan(Schedule(steps, rates), outcome, total)


def read_plan(trainer: Any, observed: Schedule | None = None) -> Plan:
    """The plan of a Lightning trainer in the middle of a fit, from its present step on; `observed` is its past.

    Reads the trainer's attributes only: no data is loaded, nothing is stepped, nothing warns. Costs about 5 µs per optimiser step to come,
    for torch's own schedulers .2 s at most, for others 2 s; call it once when a fit starts. Where there is no plan, `schedule` is the
    past alone.
    """
    rhythm = rhythm_of(trainer)
    module = trainer.lightning_module
    if not getattr(module, "automatic_optimization", True):
        return Plan(observed, PlanOutcome.MANUAL, rhythm.end)
    configs = list(trainer.lr_scheduler_configs)
    if not configs:
        rate = _rate(trainer)
        return Plan(observed, PlanOutcome.NO_RATE, rhythm.end) if rate is None else constant_plan(rate, rhythm.end, rhythm.step, observed)
    if _steps_itself(module):
        return Plan(observed, PlanOutcome.OWN_STEPPING, rhythm.end)
    stepped = [Stepped(c.scheduler, c.interval, max(int(c.frequency), 1)) for c in configs]
    return plan_of(stepped, rhythm.end, rhythm.step, rhythm=rhythm, observed=observed)


def _rate(trainer: Any) -> float | None:
    rates = [float(group["lr"]) for optimiser in trainer.optimizers[:1] for group in optimiser.param_groups[:1] if "lr" in group]
    return next((rate for rate in rates if rate > 0), None)


def _steps_itself(module: Any) -> bool:
    own = getattr(type(module), "lr_scheduler_step", None)
    return own is not None and not own.__module__.startswith(("lightning.", "pytorch_lightning."))


def rhythm_of(trainer: Any) -> Rhythm:
    """Batches, epochs and accumulation of the rest of a trainer's fit, and the optimiser step at which it ends."""
    length = trainer.num_training_batches
    batches = int(length) if math.isfinite(length) and length > 0 else None
    here = Rhythm(None, trainer.global_step, batches, trainer.current_epoch, _batches_done(trainer), _accumulation(trainer))
    return Rhythm(_end(trainer, here), here.step, batches, here.epoch, here.batch, here.accumulate)


def _end(trainer: Any, here: Rhythm) -> int | None:
    limits = [] if trainer.max_steps in (None, -1) else [int(trainer.max_steps)]
    if trainer.max_epochs not in (None, -1) and here.epoch_batches is not None:
        left = range(here.epoch, max(int(trainer.max_epochs), here.epoch))
        steps = sum(math.ceil(here.epoch_batches / max(1, here.accumulate(e))) for e in left)
        limits.append(here.step + steps - here.batch // max(1, here.accumulate(here.epoch)) * bool(left))
    return min(limits) if limits else None


def _batches_done(trainer: Any) -> int:
    """Batches trained in the running epoch. Between epochs, also after a resume, the loop still holds those of the last one."""
    epochs, batches = trainer.fit_loop.epoch_progress.current, trainer.fit_loop.epoch_loop.batch_progress
    return 0 if epochs.ready == epochs.processed and batches.is_last_batch else int(batches.current.ready)


def _accumulation(trainer: Any) -> Any:
    schedule = next((c for c in trainer.callbacks if callable(getattr(c, "get_accumulate_grad_batches", None))), None)
    return schedule.get_accumulate_grad_batches if schedule else lambda _: int(trainer.accumulate_grad_batches)
