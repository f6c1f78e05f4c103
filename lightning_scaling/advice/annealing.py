"""How much of the learning-rate decay remains: whether one is due, how large it is, and whether the rate was raised lately.

The largest drop of a run comes with its decay (WSD: 3 % and more of the loss), so no plateau may be called before it.
"""

from dataclasses import dataclass

import numpy as np

from lightning_scaling.forecasting.rate_profile import step_at
from lightning_scaling.run.curve import Curve

SPENT = 0.02  # share of the peak: less than this still to fall is no decay to wait for
HIGH = 0.9  # share of the peak above which the rate counts as not yet decayed
RAISED = 1.05


@dataclass(frozen=True)
class RemainingAnnealing:
    """What the learning-rate schedule still holds.

    Args:
        known: a schedule was given that covers the rest of the token budget, or the optimiser needs none.
        warming: the rate has not reached its peak yet.
        rate: now, as a share of the peak.
        to_fall: share of the peak by which the rate falls before the budget ends; without a schedule, the share of the budget left.
        decays_at: tokens at which the rate begins to fall again, None where it never does.
        settled: tokens since which the rate has been where it is now; 0 where no schedule is known.
        schedule_free: the optimiser averages its weights instead of decaying its rate (Defazio et al. 2024): no decay is due.
    """

    known: bool
    warming: bool
    rate: float
    to_fall: float
    decays_at: float | None
    settled: float = 0.0
    schedule_free: bool = False

    @property
    def decay_to_come(self) -> bool:
        """Whether a known schedule still lowers the rate."""
        return self.known and self.to_fall > SPENT

    @property
    def undecayed(self) -> bool:
        """Whether a known schedule has held its rate up to now, so that a decay is still to be had."""
        return self.known and not self.schedule_free and not self.warming and self.rate >= HIGH

    @property
    def decayed(self) -> bool:
        """Whether a known schedule has lowered the rate to where it is."""
        return self.known and self.settled > 0 and self.rate < HIGH

    @property
    def over(self) -> bool:
        """Whether it is known that no decay remains."""
        return self.known and not self.schedule_free and not self.undecayed and self.to_fall <= SPENT


def remaining_annealing(curve: Curve, budget: float, schedule_free: bool = False) -> RemainingAnnealing:
    """Read the schedule of `curve` from its last point to `budget` tokens.

    >>> from lightning_scaling.run.schedule import Schedule
    >>> wsd = Schedule([0, 80, 100], [1.0, 1.0, 0.0])
    >>> left = remaining_annealing(Curve([10, 50], [3.0, 2.5], step=[10, 50], schedule=wsd), budget=100)
    >>> left.to_fall, left.decays_at, left.undecayed
    (1.0, 80.0, True)
    """
    if schedule_free:
        return RemainingAnnealing(True, False, 1.0, 0.0, None, schedule_free=True)
    if not len(curve) or not _reaches(curve, budget):
        left = 1 - curve.tokens[-1] / budget if len(curve) else 1.0
        return RemainingAnnealing(False, False, float("nan"), float(max(left, 0.0)), None)
    assert curve.schedule is not None, "a schedule that reaches the end of the budget is there"
    assert curve.step is not None
    marks = np.linspace(curve.tokens[-1], max(budget, curve.tokens[-1]), 201)
    rates = np.asarray(curve.schedule.at(step_at(curve, marks))) / curve.schedule.peak
    falling = np.flatnonzero(rates < rates[0] - 1e-6)
    start = float(marks[max(falling[0] - 1, 0)]) if len(falling) else None
    to_fall = float(max(rates[0] - rates.min(), 0.0))
    warming = bool(curve.step[-1] < curve.schedule.peak_step)
    return RemainingAnnealing(True, warming, float(rates[0]), to_fall, start, _settled(curve, float(rates[0])))


def _settled(curve: Curve, rate: float) -> float:
    """Tokens since which the rate has stayed within SPENT of the peak of `rate`."""
    assert curve.schedule is not None, "a schedule that reaches the end of the budget is there"
    rates = np.asarray(curve.schedule.at(curve.step)) / curve.schedule.peak
    other = np.flatnonzero(np.abs(rates - rate) > SPENT)
    return float(curve.tokens[other[-1]]) if len(other) else 0.0


def _reaches(curve: Curve, budget: float) -> bool:
    """Whether the schedule states what comes: logged rates that end here say nothing of a decay, unless they have been held so far."""
    if curve.schedule is None or curve.step is None:
        return False
    end = float(step_at(curve, np.array([budget]))[0])
    held = float(curve.schedule.lr[-1]) >= (1 - SPENT) * curve.schedule.peak
    return held or curve.schedule.end >= curve.step[-1] + (1 - SPENT) * (end - curve.step[-1]) - 1


def raised_since(curve: Curve, tokens: float) -> bool:
    """Whether the schedule has raised the rate since `tokens`: a loss that rose after that has its reason."""
    if curve.schedule is None or curve.step is None:
        return False
    steps = curve.step[curve.tokens >= tokens]
    if not len(steps):
        return False
    rates = curve.schedule.at(np.linspace(steps[0], steps[-1], 101))
    return bool(rates.max() > RAISED * rates[0])


def fallen_since(curve: Curve, tokens: float) -> float:
    """Share of the peak by which the rate has fallen since `tokens`; 0 where it is not known."""
    if curve.schedule is None or curve.step is None:
        return 0.0
    steps = curve.step[curve.tokens >= tokens]
    return float((curve.schedule.at(steps[0]) - curve.schedule.at(steps[-1])) / curve.schedule.peak) if len(steps) else 0.0
