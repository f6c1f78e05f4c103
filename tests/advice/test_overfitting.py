"""The test for a turn-up against noise, plateaus, spikes and earlier rises."""

import numpy as np
import pytest

from lightning_scaling import Curve, advise
from lightning_scaling.advice.bins import binned
from lightning_scaling.advice.overfitting import turn_up

X = np.arange(1, 101) * 1e6


def judged(loss, epochs=None, decay_left=0.0):
    return turn_up(binned(Curve(X[: len(loss)], loss), 1e8)).proven(epochs, decay_left)


def noisy(mean, noise=2e-3, seed=0):
    return mean * (1 + noise * np.random.default_rng(seed).standard_normal(len(mean)))


def falling():
    return 2 + 1e3 / X**0.5


def turning(slope=0.6):
    return falling() + slope * np.maximum(X / 1e8 - 0.5, 0)


@pytest.mark.parametrize("seed", range(20))
def test_a_noisy_plateau_is_no_turn_up(seed):
    assert not judged(noisy(np.full(100, 2.0), seed=seed))


@pytest.mark.parametrize("seed", range(20))
def test_a_falling_run_is_no_turn_up(seed):
    assert not judged(noisy(falling(), seed=seed), epochs=10)


@pytest.mark.parametrize("seed", range(10))
def test_a_rise_beyond_noise_is_one(seed):
    assert judged(noisy(turning(), seed=seed))


def test_repetition_makes_a_small_rise_enough():
    loss = noisy(turning(0.12)[:70], noise=1e-3)
    assert judged(loss, epochs=20)
    assert not judged(loss)


def test_a_decay_to_come_may_undo_a_small_rise():
    loss = noisy(turning(0.3)[:62], noise=3e-4)
    assert judged(loss)
    assert not judged(loss, decay_left=1.0)


def test_a_spike_that_recovers_is_none():
    loss = noisy(falling())
    loss[60:70] += np.linspace(0.4, 0.02, 10)
    assert not any(judged(loss[:n], epochs=10) for n in range(62, 100))


def test_a_break_in_one_step_is_a_jump():
    loss = noisy(falling())
    loss[60:] += 0.3
    assert turn_up(binned(Curve(X, loss), 1e8)).jump


def test_a_rise_no_larger_than_an_earlier_one_is_waited_for():
    wave = falling() + 0.05 * np.sin(X / 1e8 * 4 * np.pi) ** 2
    assert not judged(noisy(wave[:60], noise=5e-4))


def test_the_best_and_the_rise_are_told():
    found = turn_up(binned(Curve(X, turning()), 1e8))
    assert found.since == pytest.approx(5e7, rel=0.05)
    assert found.rise == pytest.approx(turning()[-9] / turning().min() - 1, rel=0.1)


def test_noise_that_wanders_is_seldom_taken_for_a_turn_up():
    """In 9 of 100 flat runs whose neighbours share their noise; in 34 if it is taken to be independent."""
    waves = [np.convolve(np.random.default_rng(seed).standard_normal(103), np.ones(4) / 2, mode="valid") for seed in range(50)]
    called = [any(judged((2 + 4e-3 * wave)[:n]) for n in range(60, 100, 4)) for wave in waves]
    assert sum(called) <= 7


def test_in_large_noise_repetition_proves_nothing_beforehand():
    found = turn_up(binned(Curve(X, noisy(turning(), noise=3e-2)), 1e8))
    assert not found.expected(epochs=20)
    assert turn_up(binned(Curve(X, noisy(turning(), noise=1e-3)), 1e8)).expected(epochs=20)


def test_three_climbing_losses_of_a_short_log_prove_nothing():
    before = 3.2 + np.exp(-np.arange(16) / 4) + 0.006 * np.array([1, -1] * 8)
    loss = np.r_[before, before[-1] + np.array([0.02, 0.06, 0.13])]
    tokens = np.linspace(2e6, 3.8e7, len(loss))
    assert not turn_up(binned(Curve(tokens, loss), 1e8)).proven(None, 0.0)


def lost(until=100, start=3.0, level=4.0, swing=0.4):
    """A loss that jumps from its start, is thousands of times as high for a moment, and swings about a higher level from then on."""
    loss = level + swing * np.random.default_rng(0).standard_normal(100)
    loss[:3], loss[3:6] = start, 1e4 * level
    return Curve(np.arange(1, until + 1) * 1e6, loss[:until])


def test_a_run_that_stays_above_its_first_loss_for_half_of_its_budget_is_over():
    assert not turn_up(binned(lost(40), 1e8)).proven(None, 0.0)
    assert turn_up(binned(lost(70), 1e8)).proven(None, 0.0)
    advice = advise(lost(70), 1e8)
    assert (advice.verdict.name, advice.add_data.name) == ("STOP", "NO")
    assert "above the 3.000 it began with for half of the token budget" in advice.because


def test_a_flat_loss_about_its_start_is_not():
    assert not turn_up(binned(lost(90, level=3.0, swing=0.1), 1e8)).above_start
