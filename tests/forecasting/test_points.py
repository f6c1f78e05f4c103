"""Thinning keeps the curve, forgets the spikes and measures the noise, at any length."""

import numpy as np
import pytest

from lightning_scaling import Curve
from lightning_scaling.forecasting.points import COARSE, FINE, gather, scatter, spikes, thin


def thinned(x, loss):
    curve, size = gather(Curve(x, loss))
    return thin(curve.tokens, curve.loss, size)


@pytest.mark.parametrize("n", [12, 300, 5_000, 100_000])
def test_thinning_follows_the_curve(n):
    x = np.linspace(1, 10, n)
    points = thinned(x, 2 + x**-0.5)
    np.testing.assert_allclose(points.loss, 2 + points.x**-0.5, rtol=1e-3)
    assert len(points) <= FINE


@pytest.mark.parametrize("n", [200, 3_000, 100_000])
def test_the_noise_of_one_point_survives_thinning(n):
    x = np.linspace(1, 10, n)
    points = thinned(x, 2 + x**-0.5 + 0.01 * np.random.default_rng(0).standard_normal(n))
    assert points.noise == pytest.approx(0.01, rel=0.25)


def test_the_newest_points_are_never_dropped():
    x = np.arange(1.0, 7 * COARSE + 6)
    assert thinned(x, x).x[-1] > 0.95 * x[-1]


def test_a_spike_is_masked_and_a_step_is_not():
    loss = np.r_[np.full(30, 2.0), np.full(30, 2.5)]
    loss[10] = 9.0
    masked = spikes(loss + 1e-3 * np.random.default_rng(0).standard_normal(60), 1e-3)
    assert masked.nonzero()[0].tolist() == [10]


def test_scatter_of_a_line_is_nothing():
    assert scatter(np.linspace(3, 2, 50)) < 1e-12
