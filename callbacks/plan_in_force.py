"""The learning-rate plan of a fit: read from the scheduler when training starts, and held against the rates that really come."""

from typing import Any

import numpy as np

from lightning_scaling.callbacks.options import Options
from lightning_scaling.callbacks.plan import Plan, PlanOutcome, read_plan
from lightning_scaling.callbacks.rates import Rates
from lightning_scaling.callbacks.warn_once import Once
from lightning_scaling.run.schedule import Schedule

# A rate that leaves the plan by more than this share of the peak was set by something the plan does not know.
LEAVES = 0.02
# Outcomes that leave only the past to go by.
PAST_ONLY = (PlanOutcome.PLATEAU, PlanOutcome.MANUAL, PlanOutcome.OWN_STEPPING, PlanOutcome.UNREADABLE)
BY_HAND = "the learning rate follows no scheduler, so forecasts take it to stay as it is; schedule=... tells the plan"


class PlanInForce:
    """The plan while the rates follow it, else what was seen of it; a plan given by the user is taken as it is.

    Args:
        trainer: a trainer whose optimisers and schedulers are set up (and restored).
        options: `schedule` and `optimizer` are used.
        rates: the rates seen so far, of this and earlier fits.
        once: where trouble is told.
    """

    def __init__(self, trainer: Any, options: Options, rates: Rates, once: Once) -> None:
        self._trainer, self._options, self._rates, self._once = trainer, options, rates, once
        self._plan = Plan(options.schedule, PlanOutcome.READ)
        self._read_again_at = 1
        self.rate_of_tensor = self._rate()
        if options.schedule is None:
            self._read()

    def schedule(self) -> Schedule | None:
        """The plan as it is known now."""
        self.rate_of_tensor = self._rate()
        if self._options.schedule is not None or self._follows():
            return self._plan.schedule
        if self._plan.outcome not in PAST_ONLY and self._rates.steps >= self._read_again_at:
            self._read()
        if self._follows():
            return self._plan.schedule
        if self._plan.outcome not in PAST_ONLY:
            self._once.warn("plan", BY_HAND)
        return self._seen()

    def _read(self) -> None:
        self._read_again_at = 2 * self._rates.steps + 1
        with self._once.guard("reading the learning-rate plan"):
            self._plan = read_plan(self._trainer, observed=self._seen())
            if self._plan.outcome in PAST_ONLY:
                self._once.warn("plan", str(self._plan.outcome))

    def _seen(self) -> Schedule | None:
        steps, rates = self._rates.line()
        return Schedule(steps, rates) if any(rates) else None

    def _follows(self) -> bool:
        seen = self._seen()
        if seen is None:
            return True
        if self._plan.schedule is None or self._plan.outcome in PAST_ONLY:
            return False
        apart = np.abs(self._plan.schedule.at(seen.step) - seen.lr)
        return bool(apart.max() <= LEAVES * self._plan.schedule.peak)

    def _rate(self) -> float:
        """The rate of now, which synchronises where it is a tensor of a device: not for use in a step."""
        optimizers = self._trainer.optimizers
        return float(optimizers[self._options.optimizer].param_groups[0]["lr"]) if optimizers else 0.0
