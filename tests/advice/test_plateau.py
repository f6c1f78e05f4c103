"""A plateau is a statement about the compute to come."""

import numpy as np
import pytest

from lightning_scaling import Curve, forecast
from lightning_scaling.advice.bins import binned
from lightning_scaling.advice.economics import Economics
from lightning_scaling.advice.plateau import agreed, gain_bound, plateau, stretch_end


def judged(curve, planned, **terms):
    until = stretch_end(float(curve.tokens[-1]), planned)
    found = forecast(curve, at=np.array([curve.tokens[-1], until]))
    return plateau(binned(curve, planned), 0.0, float(found.loss[0]), until, found, 1, Economics(**terms))


def power_law(floor, rise, until=60, noise=1e-4):
    x = np.arange(1, until + 1) * 1e6
    return Curve(x, (floor + rise * (x / 1e6) ** -0.5) * (1 + noise * np.random.default_rng(0).standard_normal(until)))


def test_the_end_of_a_plan_is_no_plateau_because_it_is_near():
    assert stretch_end(99, 100) == pytest.approx(123.75)


def test_a_power_law_still_gains():
    found = judged(power_law(2, 1), 1e8)
    assert not found.called
    assert found.low > found.threshold


def test_a_floor_is_a_plateau():
    assert judged(power_law(2, 0.002), 1e8).called


def test_a_larger_threshold_calls_it_sooner():
    run = power_law(2, 0.2)
    assert not judged(run, 1e8).called
    assert judged(run, 1e8, threshold=0.05).called


def test_more_noise_asks_for_more_gain_up_to_half_a_percent():
    quiet, noisy, wild = (judged(power_law(2, 1, noise=noise), 1e8).threshold for noise in (1e-4, 2e-3, 5e-2))
    assert noisy > 1.5 * quiet
    assert wild == 0.005


def test_the_surer_witness_is_heard_more():
    gain, error = agreed((1.0, 0.3), (0.0, 0.1))
    assert gain == pytest.approx(0.1)
    assert error < 0.1


def test_the_pace_is_carried_on_in_the_logarithm_of_tokens():
    x = np.arange(1, 101)
    fall, error = gain_bound(binned(Curve(x, 9 - np.log2(x)), 100), 0.0, 200)
    assert fall == pytest.approx(1, abs=0.05)
    assert error < 0.02


def test_what_came_before_the_rate_settled_is_no_pace():
    x = np.arange(1, 101)
    decayed = np.where(x < 50, 3 - x / 50, 2.0)
    flat, both = (gain_bound(binned(Curve(x, decayed), 100), settled, 300)[0] for settled in (55, 0))
    assert abs(flat) < 1e-6 < both


def test_a_rate_that_has_just_settled_leaves_it_open():
    x = np.arange(1, 51)
    assert gain_bound(binned(Curve(x, np.ones(50)), 100), 47, 100)[0] == np.inf
    assert gain_bound(binned(Curve(x, np.ones(50)), 1000), 0, 1e9)[0] == np.inf


def test_noise_that_wanders_makes_the_curve_less_sure():
    x, rng = np.arange(1, 101), np.random.default_rng(0)
    white = rng.standard_normal(100)
    slow = np.convolve(rng.standard_normal(107), np.ones(8) / 8**0.5, mode="valid")
    steady, wandering = (gain_bound(binned(Curve(x, 9 + 0.01 * errors), 100), 0, 125)[1] for errors in (white, slow))
    assert wandering > 1.5 * steady
