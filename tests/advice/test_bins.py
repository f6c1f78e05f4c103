"""A curve by shares of its token budget: bounded, steady, and honest about its noise."""

import numpy as np
import pytest

from lightning_scaling import Curve
from lightning_scaling.advice.bins import binned, correlated_noise, noise


def test_any_number_of_losses_makes_a_hundred_bins():
    tokens = np.arange(1, 100_001)
    assert len(binned(Curve(tokens, np.ones(len(tokens))), 100_000)) == 100


def test_bins_do_not_move_while_the_run_grows():
    tokens = np.arange(1, 1001)
    curve = Curve(tokens, 5 / tokens**0.3)
    early, late = (binned(curve.until(end), 1000) for end in (500, 1000))
    assert np.array_equal(early.loss, late.loss[:50])


@pytest.mark.parametrize("size", [1e-4, 1e-2])
def test_the_noise_is_found_on_a_falling_curve(size):
    tokens = np.arange(1, 101)
    loss = (2 + 3 / tokens**0.5) * (1 + size * np.random.default_rng(0).standard_normal(100))
    assert binned(Curve(tokens, loss), 100).noise == pytest.approx(2.3 * size, rel=0.5)


def test_a_spike_within_a_bin_does_not_show():
    loss = np.ones(1000)
    loss[500:503] = 50.0
    assert binned(Curve(np.arange(1, 1001), loss), 1000).loss.max() == 1.0


def test_losses_that_are_not_finite_are_left_out():
    loss = np.ones(100)
    loss[::3] = np.nan
    assert np.isfinite(binned(Curve(np.arange(1, 101), loss), 100).loss).all()


def test_autocorrelated_noise_shows_in_means_of_bins():
    rng = np.random.default_rng(0)
    white = rng.standard_normal(100)
    slow = np.convolve(rng.standard_normal(107), np.ones(8) / 8**0.5, mode="valid")
    assert correlated_noise(white) < 1.5 * noise(white)
    assert correlated_noise(slow) > 2 * noise(slow)


def test_losses_printed_to_a_few_digits_have_noise_of_half_the_last():
    loss = np.round(1e-4 * (1 + 500 / np.arange(1, 101)), 4)
    assert binned(Curve(np.arange(1, 101), loss), 100).noise >= 5e-5
