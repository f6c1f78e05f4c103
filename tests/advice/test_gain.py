"""The remaining gain, read off the curve."""

import numpy as np
import pytest

from lightning_scaling import Curve
from lightning_scaling.advice.bins import binned
from lightning_scaling.advice.gain import noise_at_this_rate, remaining_gain

X = np.arange(1, 101)


@pytest.mark.parametrize("exponent", [0.3, 0.8, 3.0])
def test_a_power_law_is_continued(exponent):
    whole, _ = remaining_gain(binned(Curve(X, 5 + X**-exponent), 100), 0.0, 200.0, 1e-5)
    middle, low, high = whole.interval(0.9)
    true = 100**-exponent - 200**-exponent
    assert middle == pytest.approx(true, rel=0.1, abs=2e-6)
    assert low <= middle <= high


def test_noise_leaves_the_gain_open():
    noisy = 5 + X**-0.5 + 0.05 * np.random.default_rng(0).standard_normal(100)
    seen = binned(Curve(X, noisy), 100)
    whole, _ = remaining_gain(seen, 0.0, 200.0, seen.correlated_noise)
    assert 0.02 < whole.below(0.02) < 0.98


def test_no_gain_is_negative():
    rising = remaining_gain(binned(Curve(X, 5 + X / 1000), 100), 0.0, 200.0, 1e-3)[0]
    assert rising.interval(0.9)[1] == 0.0
    assert rising.below(1e-3) == pytest.approx(1.0)


def test_what_came_before_the_rate_settled_does_not_count():
    decayed = binned(Curve(X, np.where(X < 50, 3 - X / 50, 2.0)), 100)
    flat, both = (remaining_gain(decayed, settled, 300.0, 1e-3)[0].interval(0.9)[0] for settled in (55, 0))
    assert flat < 1e-3 < both


def test_a_rate_that_has_just_settled_leaves_it_open():
    assert remaining_gain(binned(Curve(X[:50], np.ones(50)), 100), 47, 100.0, 1e-3) is None
    assert remaining_gain(binned(Curve(X[:50], np.ones(50)), 1000), 0, 1e12, 1e-3) is None


def test_the_bend_of_a_decay_is_not_noise():
    rng = np.random.default_rng(0)
    loss = np.where(X < 20, 3.0, 2.5 + 0.5 * np.exp(-(X - 20) / 5)) + 1e-4 * rng.standard_normal(100)
    seen = binned(Curve(X, loss), 100)
    assert noise_at_this_rate(seen, 45.0, fallen=True) < 0.5 * noise_at_this_rate(seen, 45.0, fallen=False)


def test_what_a_forecast_expects_narrows_the_gain_it_agrees_with():
    (found, _) = remaining_gain(binned(Curve(X, 5 + X**-0.5 + 3e-3 * np.cos(9 * X)), 100), 0.0, 200.0, 3e-3)
    mean, low, high = found.interval(0.9)
    agreed = found.given(mean, (high - low) / 4)
    assert agreed.interval(0.9)[2] - agreed.interval(0.9)[1] < high - low
    assert found.given(float("nan"), 1.0) is found


def test_a_forecast_that_contradicts_the_curve_leaves_finite_numbers():
    (found, _) = remaining_gain(binned(Curve(X, 5 + X**-0.5), 100), 0.0, 200.0, 1e-9)
    assert np.isfinite(found.given(1e6, 1e-12).interval(0.9)).all()
