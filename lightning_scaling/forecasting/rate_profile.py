"""What a learning-rate schedule has done to a run by each step: its effective training time, and the annealing it has gained.

Effective time is the sum of rate^TIME_POWER. With power 1 it is the S1 of Tissue et al. (2024, arXiv 2408.11029), but real runs slow down
less than their rate does: with .7 the mean error half way was .48 %, with 1 .53 %, and quadratic decays of small regressions improved too.
The annealing gain is the multi-power form (Luo et al. 2025, arXiv 2503.12811): each fall of rate^FALL_POWER acts slowly, as
1 − (1 + c·S/η^gamma)^-beta of the plain sum S since. Rates are in units of the schedule's peak, so that no answer depends on their size.

Steps: a step may be an optimiser step, an epoch or a token. The response to a fall of the rate is slow in optimiser steps, and nothing else
is. So every run is rescaled to USUAL_STEPS steps, unless its steps are known to be optimiser steps. On 152 published runs that cost .03
points of the median error half way, since regained by the prior, and gained .1 to .2 where every source counts once.
"""

from dataclasses import dataclass, replace

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.schedule import Schedule

TIME_POWER = 0.6  # of the rate in effective time: .5 to .7 were alike in log score over the sets of runs, .85 and 1 worse
FINEST = 4096  # points read of a schedule: the cost does not grow with its length
KNOTS = 256  # even steps added to a schedule, so that powers of its rate may be summed by trapezoids
NODES = 48  # falls of the rate are gathered into this many; no mere matter of accuracy, see docs/decisions.md
GAMMA, BETA = 0.9, 0.69  # Luo et al. fit .635–.655 and .583–.598; falls at low rates act faster here
SPEEDS = np.array([0.003, 0.01, 0.03, 0.1, 0.3])  # c, response per step at the peak rate
ODDS = np.array([0.3, 0.5, 1.0, 1.0, 1.0])  # prior odds of each: a slow response promises much that comes late, and mostly does not come
FALL_POWER = 0.88  # falls at low rates count a little more: language models ask for .8, chess models for 1
LOWEST = 0.01  # of the peak: the response at lower rates is as at this one
USUAL_STEPS = 2e4  # 7e3, 4e4 and 1e5 were alike
BEYOND = 0.95  # a schedule that covers less than this share of the steps asked for has ended


@dataclass(frozen=True, eq=False)
class RateProfile:
    """A schedule prepared for many readings.

    Args:
        step, rate: (k,) the schedule, rate in units of its peak.
        effective: (k,) effective time at each of its steps.
        summed: (k,) plain sum of the rate there.
        fall_at, fall, fall_rate: (m,) sum of the rate at which the rate falls, by how much, and to which rate; none before the peak.
        peak_step: first step at the peak.
    """

    step: Floats
    rate: Floats
    effective: Floats
    summed: Floats
    fall_at: Floats
    fall: Floats
    fall_rate: Floats
    peak_step: float

    def effective_time(self, step: Floats) -> Floats:
        """Effective time at `step`, at the schedule's last rate beyond its end."""
        beyond = np.maximum(step - self.step[-1], 0.0) * self.rate[-1] ** TIME_POWER
        return np.asarray(np.interp(step, self.step, self.effective) + beyond)

    def annealing(self, effective: Floats, speeds: Floats) -> Floats:
        """(n, j) annealing gained at each effective time, for each speed; 1 for a fall from the peak to zero that has acted in full."""
        beyond = np.maximum(effective - self.effective[-1], 0.0) * self.rate[-1] ** (1 - TIME_POWER)
        summed = np.interp(effective, self.effective, self.summed) + beyond
        since = np.maximum(summed[:, None] - self.fall_at, 0.0) / self.fall_rate**GAMMA
        acted = 1 - np.exp(-BETA * np.log1p(speeds[:, None, None] * since))
        return np.asarray((acted @ self.fall).T)

    def rate_at(self, step: Floats) -> Floats:
        """Rate at `step`, in units of the peak."""
        return np.asarray(np.interp(step, self.step, self.rate))


def read_profile(schedule: Schedule) -> RateProfile:
    """The profile of a schedule. Warm-up counts by its plain sum: mean error at 20 % seen 1.52 %; with TIME_POWER 1.56, at the peak 2.0."""
    step, rate = _from_zero(schedule)
    peak_step = float(step[np.argmax(rate >= 0.995)])
    step, rate = _knotted(step, rate)
    summed = _sum(step, rate)
    effective = _sum(step, np.where(step < peak_step, rate, rate**TIME_POWER))
    where, falls, to = _falls(summed, np.where(step < peak_step, 1.0, rate))
    return RateProfile(step, rate, effective, summed, where, falls, to, peak_step)


def _sum(step: Floats, value: Floats) -> Floats:
    return np.asarray(np.r_[0.0, np.cumsum(np.diff(step) * (value[1:] + value[:-1]) / 2)])


def _from_zero(schedule: Schedule) -> tuple[Floats, Floats]:
    n = len(schedule.step)
    read = slice(None) if n <= FINEST else np.linspace(0, n - 1, FINEST).astype(int)
    step, rate = schedule.step[read], schedule.lr[read] / schedule.peak
    if step[0] > 0:
        step, rate = np.r_[0.0, step], np.r_[rate[0], rate]
    if len(step) == 1:
        step, rate = np.r_[step, step + 1], np.r_[rate, rate]
    return step, rate


def _knotted(step: Floats, rate: Floats) -> tuple[Floats, Floats]:
    """The same schedule with even steps added, unless it has many already."""
    if len(step) > KNOTS:
        return step, rate
    knots = np.setdiff1d(np.linspace(0.0, step[-1], KNOTS), step)
    place = np.searchsorted(step, knots)
    return np.insert(step, place, knots), np.insert(rate, place, np.interp(knots, step, rate))


def _falls(summed: Floats, rate: Floats) -> tuple[Floats, Floats, Floats]:
    """Falls of rate^FALL_POWER gathered into equal shares of all movement; at a negligible rate the response would be instant."""
    moved = np.r_[0.0, np.cumsum(np.abs(np.diff(rate)))]
    if moved[-1] == 0:
        return np.zeros(1), np.zeros(1), np.ones(1)
    along = moved / moved[-1] + 1e-9 * np.arange(len(moved)) / len(moved)
    marks = np.linspace(along[0], along[-1], NODES + 1)
    at, eta = np.interp(marks, along, summed), np.interp(marks, along, rate)
    return (at[1:] + at[:-1]) / 2, -np.diff(eta**FALL_POWER), np.maximum(eta[1:], LOWEST)


def step_at(curve: Curve, tokens: Floats) -> Floats:
    """Steps at which the run will have seen `tokens`, at the tokens a step of the last half of the curve."""
    if curve.step is None:
        raise ValueError("a schedule is in steps: give the curve's steps beside it")
    half = len(curve) // 2
    rise, run = curve.tokens[-1] - curve.tokens[half], curve.step[-1] - curve.step[half]
    if rise <= 0 or run <= 0:
        rise, run = curve.tokens[-1], curve.step[-1]
    later = curve.step[-1] + np.maximum(tokens - curve.tokens[-1], 0.0) * run / rise
    return np.where(tokens <= curve.tokens[-1], np.interp(tokens, curve.tokens, curve.step), later)


def in_usual_steps(curve: Curve, at: float) -> Curve:
    """The same run in steps of which its schedule has USUAL_STEPS, or the run until `at` where the schedule ends before that."""
    if curve.schedule is None or curve.step is None or curve.optimizer_steps:
        return curve
    needed, end = float(step_at(curve, np.array([at]))[0]), curve.schedule.end
    length = end if end >= BEYOND * needed else needed
    if length <= 0:
        return curve
    factor = USUAL_STEPS / length
    return replace(curve, step=curve.step * factor, schedule=Schedule(curve.schedule.step * factor, curve.schedule.lr))
