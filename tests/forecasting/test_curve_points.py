"""Thinning keeps the curve, forgets the spikes and measures the noise, at any length."""

import numpy as np
import pytest

from lightning_scaling import Curve
from lightning_scaling.forecasting.curve_points import COARSE, FINE, excursions, gather, scatter, spikes, thin


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


def decaying():
    return 2 + 1 / np.arange(1.0, 101) ** 0.5 + 1e-4 * np.random.default_rng(0).standard_normal(100)


def test_a_spike_that_heals_slowly_is_masked_until_it_has():
    loss = decaying()
    loss[40:60] += 0.5 * np.exp(-np.arange(20) / 4)
    assert set(range(40, 52)) <= set(excursions(loss, 1e-4).nonzero()[0]) <= set(range(40, 60))


def test_a_loss_that_never_comes_back_is_no_excursion():
    loss = decaying()
    loss[60:] += 0.5
    assert not excursions(loss, 1e-4).any()


def test_a_loss_that_is_away_most_of_the_time_is_kept_whole():
    loss = decaying() + np.where(np.arange(100) % 10 < 7, 0.3, 0.0)
    assert not excursions(loss, 1e-4).any()


def test_noise_alone_is_no_excursion():
    loss = 2 + 1e-2 * np.random.default_rng(1).standard_normal(200)
    assert excursions(loss, 1e-2).mean() < 0.01


def test_scatter_of_a_line_is_nothing():
    assert scatter(np.linspace(3, 2, 50)) < 1e-12
