"""Other learning-rate schedules for the same run: what "decay now" and "as much again" mean for it.

A forecast under another schedule is a forecast of the same curve with that schedule; these functions build it. The past stays as it was.
"""

from dataclasses import replace

import numpy as np

from lightning_scaling.forecasting.clock import step_at
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.schedule import Schedule

REWARM = 0.02  # of the extension: a sudden return to the peak spikes
DECAY = 0.2  # of the extension, the share at which WSD's decay is usually set
COOL = 0.15  # of the tokens so far, the decay of a run whose budget is spent


def decayed_now(curve: Curve, budget: float) -> tuple[Curve, float]:
    """The run with its rate falling linearly to zero from here, and the tokens at which it then ends.

    The decay takes what is left of the budget, at least 5 % and at most 20 % of the tokens so far.

    >>> run = Curve([50, 80], [3.0, 2.8], step=[50, 80], schedule=Schedule([0, 100], [1.0, 1.0]))
    >>> cooled, end = decayed_now(run, budget=90)
    >>> end, cooled.schedule.at(85)
    (90.0, 0.5)
    """
    now = float(curve.tokens[-1])
    left = budget - now
    length = min(left, DECAY * now) if left >= 0.05 * now else COOL * now
    end = now + length
    return _then(curve, [(end, 0.0)]), end


def extended(curve: Curve, budget: float, end: float) -> tuple[Curve, str]:
    """The run with a schedule that lasts until `end` tokens, and what its schedule must become.

    A rate that is still high is held and decays over the last fifth; one that has decayed goes back up first.
    """
    assert curve.schedule is not None, "another schedule starts from the one there is"
    assert curve.step is not None
    now, peak = float(curve.tokens[-1]), curve.schedule.peak
    rate, start = float(curve.schedule.at(curve.step[-1])), end - DECAY * (end - now)
    if rate >= 0.5 * peak:
        return _then(curve, [(start, rate / peak), (end, 0.0)]), "hold the rate and let it fall to zero over the last fifth"
    back = now + REWARM * (end - now)
    what = "resume before the decay (or rewarm to half the peak), hold, decay over the last fifth"
    return _then(curve, [(back, 0.5), (start, 0.5), (end, 0.0)]), what


def _then(curve: Curve, points: list[tuple[float, float]]) -> Curve:
    """The schedule so far, then straight lines through (tokens, share of the peak)."""
    assert curve.schedule is not None, "another schedule starts from the one there is"
    assert curve.step is not None
    now, given = float(curve.step[-1]), curve.schedule
    past = given.step < now
    steps = step_at(curve, np.array([tokens for tokens, _ in points]))
    step = np.r_[given.step[past], now, steps]
    lr = np.r_[given.lr[past], given.at(now), [share * given.peak for _, share in points]]
    return replace(curve, schedule=Schedule(step, lr))
