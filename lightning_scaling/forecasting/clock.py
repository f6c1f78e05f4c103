"""What a learning-rate plan has done to a run by each step: how far it has travelled, and how much its falling rate has given back.

Travel is S1, the sum of the rate (Tissue et al. 2024, arXiv 2408.11029). The gain of annealing is the multi-power shape (Luo et al. 2025,
arXiv 2503.12811): each fall of the rate pays out slowly, as 1 − (1 + c·S/η^gamma)^-beta of the travel S since. Rates are in units of the
plan's peak, so that no answer depends on their absolute size.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.curve import Curve
from lightning_scaling.schedule import Schedule

Floats = NDArray[np.float64]

NODES = 48  # falls of the rate are gathered into this many
GAMMA, BETA = 0.65, 0.5  # Luo et al. fit .635–.655 and .583–.598; .5 and .6 forecast alike, .9 worse
SPEEDS = np.array([0.001, 0.003, 0.01, 0.03, 0.1, 0.3])  # c, pay-out per step at the peak rate: Luo et al.'s is about .1, cosines want less
LOWEST = 0.01  # of the peak: pay-out at lower rates is as at this one


@dataclass(frozen=True, eq=False)
class Plan:
    """A schedule prepared for many readings.

    Args:
        step, rate: (k,) the plan, rate in units of its peak.
        travelled: (k,) S1 at each of its steps.
        fall_at, fall, fall_rate: (m,) travel at which the rate falls, by how much, and to which rate; falls before the peak are left out.
        peak_step: first step at the peak.
    """

    step: Floats
    rate: Floats
    travelled: Floats
    fall_at: Floats
    fall: Floats
    fall_rate: Floats
    peak_step: float

    def travel(self, step: Floats) -> Floats:
        """S1 at `step`: exact for a piecewise linear plan, at its last rate beyond the end."""
        i = np.clip(np.searchsorted(self.step, step, side="right") - 1, 0, len(self.step) - 2)
        beyond = step - self.step[i]
        return np.asarray(self.travelled[i] + beyond * (self.rate[i] + np.interp(step, self.step, self.rate)) / 2)

    def gains(self, travelled: Floats, speeds: Floats) -> Floats:
        """(n, j) annealing gained by each S1, for each speed; 1 for a fall from the peak to zero that has paid out in full."""
        since = np.maximum(travelled[:, None] - self.fall_at, 0.0) / self.fall_rate**GAMMA
        paid = 1 - np.exp(-BETA * np.log1p(speeds[:, None, None] * since))
        return np.asarray((paid @ self.fall).T)

    def rate_at(self, step: Floats) -> Floats:
        """Rate at `step`, in units of the peak."""
        return np.asarray(np.interp(step, self.step, self.rate))


def read_plan(schedule: Schedule) -> Plan:
    """The plan of a schedule. Warm-up counts as it was: at the peak rate, the mean error at 20 % seen was 2.0 %, not 1.4 %."""
    step, rate = _from_zero(schedule)
    peak = int(np.argmax(rate >= 0.995))
    travelled = np.r_[0.0, np.cumsum(np.diff(step) * (rate[1:] + rate[:-1]) / 2)]
    where, falls, to = _falls(travelled, np.where(np.arange(len(rate)) < peak, 1.0, rate))
    return Plan(step, rate, travelled, where, falls, to, float(step[peak]))


def _from_zero(schedule: Schedule) -> tuple[Floats, Floats]:
    step, rate = schedule.step, schedule.lr / schedule.peak
    if step[0] > 0:
        step, rate = np.r_[0.0, step], np.r_[rate[0], rate]
    if len(step) == 1:
        step, rate = np.r_[step, step + 1], np.r_[rate, rate]
    return step, rate


def _falls(travelled: Floats, rate: Floats) -> tuple[Floats, Floats, Floats]:
    """Falls of the rate gathered so that each holds an equal share of all its movement; at a negligible rate pay-out would be instant."""
    moved = np.r_[0.0, np.cumsum(np.abs(np.diff(rate)))]
    if moved[-1] == 0:
        return np.zeros(1), np.zeros(1), np.ones(1)
    along = moved / moved[-1] + 1e-9 * np.arange(len(moved)) / len(moved)
    marks = np.linspace(along[0], along[-1], NODES + 1)
    at, eta = np.interp(marks, along, travelled), np.interp(marks, along, rate)
    return (at[1:] + at[:-1]) / 2, eta[:-1] - eta[1:], np.maximum(eta[1:], LOWEST)


def step_at(curve: Curve, tokens: Floats) -> Floats:
    """Steps at which the run will have seen `tokens`, at the tokens a step of the last half of the curve."""
    if curve.step is None:
        raise ValueError("a schedule is in steps: give the curve's steps beside it")
    half = len(curve) // 2
    rise, run = curve.tokens[-1] - curve.tokens[half], curve.step[-1] - curve.step[half]
    if rise <= 0 or run <= 0:
        rise, run = curve.tokens[-1], curve.step[-1]
    ahead = curve.step[-1] + np.maximum(tokens - curve.tokens[-1], 0.0) * run / rise
    return np.where(tokens <= curve.tokens[-1], np.interp(tokens, curve.tokens, curve.step), ahead)
