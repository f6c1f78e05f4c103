"""A plateau is a statement about the compute to come."""

import numpy as np
import pytest

from lightning_scaling import Curve, forecast
from lightning_scaling.advice.economics import Economics
from lightning_scaling.advice.plateau import last_gain, plateau, stretch_end
from lightning_scaling.advice.stretches import stretches


def judged(curve, planned, **terms):
    until = stretch_end(float(curve.tokens[-1]), planned)
    found = forecast(curve, at=np.array([curve.tokens[-1], until]))
    return plateau(stretches(curve, planned), float(found.loss[0]), until, found, 1, Economics(**terms))


def power_law(floor, rise, until=60, noise=1e-4):
    x = np.arange(1, until + 1) * 1e6
    return Curve(x, (floor + rise * (x / 1e6) ** -0.5) * (1 + noise * np.random.default_rng(0).standard_normal(until)))


def test_the_end_of_a_plan_is_no_plateau_because_it_is_near():
    assert stretch_end(99, 100) == pytest.approx(123.75)


def test_a_power_law_still_gains():
    found = judged(power_law(2, 1), 1e8)
    assert not found.called
    assert found.low <= 1 - (2 + 0.1) / (2 + 60**-0.5) <= found.high


def test_a_floor_is_a_plateau():
    assert judged(power_law(2, 0.002), 1e8).called


def test_a_larger_threshold_calls_it_sooner():
    run = power_law(2, 0.2)
    assert not judged(run, 1e8).called
    assert judged(run, 1e8, threshold=0.05).called


def test_more_noise_asks_for_more_gain():
    assert judged(power_law(2, 1, noise=1e-2), 1e8).threshold > 5 * judged(power_law(2, 1, noise=1e-4), 1e8).threshold


def test_the_last_gain_is_measured_over_the_same_proportion():
    x = np.arange(1, 101)
    fall, error = last_gain(stretches(Curve(x, 9 - np.log2(x)), 100), 2.0)
    assert fall == pytest.approx(1, abs=0.05)
    assert error < 0.01


def test_a_stretch_longer_than_the_run_has_no_last_gain():
    assert last_gain(stretches(Curve(np.arange(1, 51), np.ones(50)), 1000), 20.0)[0] == np.inf
