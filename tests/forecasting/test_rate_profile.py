"""Effective time and annealing against sums taken step by step."""

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule
from lightning_scaling.forecasting.rate_profile import BETA, FALL_POWER, GAMMA, TIME_POWER, read_profile, step_at


def test_effective_time_is_the_integral_of_a_power_of_the_rate():
    profile = read_profile(Schedule([0, 100, 300], [0.0, 2.0, 0.0]))
    after = 200 / (TIME_POWER + 1) * (1 - np.array([1.0, 0.5, 0.0]) ** (TIME_POWER + 1))
    np.testing.assert_allclose(profile.effective_time(np.array([100.0, 200.0, 300.0])), 50 + after, rtol=1e-3)


def test_warmup_counts_by_its_plain_sum():
    profile = read_profile(Schedule([0, 100, 300], [0.0, 2.0, 0.0]))
    np.testing.assert_allclose(profile.effective_time(np.array([0.0, 50.0, 100.0])), [0, 12.5, 50], atol=0.01)


def test_effective_time_goes_on_at_the_last_rate():
    assert read_profile(Schedule([0, 100], [1.0, 1.0])).effective_time(np.array([250.0]))[0] == pytest.approx(250)


def test_a_schedule_given_at_every_step_reads_as_its_knots():
    step = np.arange(100_001.0)
    knots = Schedule([0, 1000, 80_000, 100_000], [0.0, 1.0, 1.0, 0.1])
    every, few = read_profile(Schedule(step, knots.at(step))), read_profile(knots)
    at = np.array([2e4, 9e4, 1e5])
    np.testing.assert_allclose(every.effective_time(at), few.effective_time(at), rtol=1e-3)
    np.testing.assert_allclose(
        every.annealing(every.effective_time(at), np.array([0.01])), few.annealing(few.effective_time(at), np.array([0.01])), rtol=2e-2
    )


def test_gain_is_the_multi_power_sum():
    step, rate = np.arange(1001.0), np.linspace(1, 0.1, 1001)
    profile = read_profile(Schedule(step, rate))
    effective_time = profile.effective_time(step)
    summed = np.r_[0, np.cumsum((rate[1:] + rate[:-1]) / 2)]
    since = np.maximum(summed[-1] - summed[1:], 0)
    truth = (-np.diff(rate**FALL_POWER) * (1 - (1 + 0.01 * rate[1:] ** -GAMMA * since) ** -BETA)).sum()
    assert profile.annealing(effective_time[-1:], np.array([0.01]))[0, 0] == pytest.approx(truth, rel=0.01)


def test_warmup_gains_nothing():
    profile = read_profile(Schedule([0, 100, 1000], [0.0, 1.0, 1.0]))
    assert not profile.annealing(np.array([10.0, 500.0]), np.array([0.1])).any()


def test_a_rate_that_rises_again_takes_the_gain_back():
    profile = read_profile(Schedule([0, 400, 401, 800, 801, 1200], [1.0, 1.0, 0.2, 0.2, 1.0, 1.0]))
    low, high = profile.annealing(profile.effective_time(np.array([800.0, 1200.0])), np.array([0.1]))[:, 0]
    assert high < 0.5 * low


def test_steps_to_come_follow_the_tokens_a_step():
    curve = Curve([10, 20, 30, 40], [4, 3, 2, 1], [1, 2, 3, 4])
    np.testing.assert_allclose(step_at(curve, np.array([25.0, 60.0])), [2.5, 6.0])
