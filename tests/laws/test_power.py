"""The power law with a floor is recovered, with intervals that hold it, whatever the units."""

import numpy as np
import pytest

from lightning_scaling.laws.frontier.power import PowerOutcome, fit_power

X = np.geomspace(1e6, 1e9, 200)


def noisy(floor, scale, exponent, noise, seed=0):
    return (floor + (scale / X) ** exponent) * (1 + noise * np.random.default_rng(seed).standard_normal(len(X)))


@pytest.mark.parametrize(("floor", "scale", "exponent"), [(2.0, 1e6, 0.5), (1.7, 1e8, 0.15), (0.1, 1e7, 1.2), (3.0, 1e3, 0.3)])
def test_a_law_without_noise_is_recovered(floor, scale, exponent):
    law = fit_power(X, noisy(floor, scale, exponent, 0))
    assert (law.floor, law.scale, law.exponent) == pytest.approx((floor, scale, exponent), rel=1e-2)
    assert law.outcome is PowerOutcome.FITTED


def test_intervals_hold_the_floor_about_as_often_as_they_say():
    laws = [fit_power(X, noisy(2.0, 1e6, 0.4, 0.003, seed)) for seed in range(80)]
    assert 0.78 <= np.mean([law.intervals["floor"][0] < 2.0 < law.intervals["floor"][1] for law in laws]) <= 1


def test_scaling_both_axes_scales_the_law():
    loss = noisy(2.0, 1e6, 0.4, 0.003)
    law, other = fit_power(X, loss), fit_power(1e3 * X, 5 * loss)
    assert (other.floor, other.exponent) == pytest.approx((5 * law.floor, law.exponent), rel=1e-6)
    assert other.predict(1e12) == pytest.approx(5 * law.predict(1e9), rel=1e-6)


def test_spikes_and_holes_do_not_move_it():
    loss = noisy(2.0, 1e6, 0.4, 0.001)
    broken = loss.copy()
    broken[[20, 90, 150]] = [50.0, np.nan, 9.0]
    assert fit_power(X, broken).floor == pytest.approx(fit_power(X, loss).floor, rel=0.01)


def test_a_pure_power_law_shows_no_floor():
    law = fit_power(X, noisy(0.0, 1e7, 0.2, 0.003))
    assert law.outcome is PowerOutcome.NO_FLOOR
    assert law.predict(1e10) == pytest.approx(1e-3**0.2, rel=0.05)


def test_a_rising_loss_is_refused():
    assert fit_power(X, 1 + X / 1e9).outcome is PowerOutcome.NOT_FALLING


def test_a_flat_loss_is_refused():
    assert fit_power(X, np.ones_like(X)).outcome is PowerOutcome.NOT_FALLING


def test_four_points_are_too_few():
    assert fit_power(X[:4], X[:4]).outcome is PowerOutcome.TOO_FEW_POINTS


def test_a_long_log_is_fitted_like_a_short_one():
    x = np.linspace(1e6, 1e9, 50_000)
    loss = (2 + (1e6 / x) ** 0.4) * (1 + 0.003 * np.random.default_rng(0).standard_normal(len(x)))
    assert fit_power(x, loss).floor == pytest.approx(2.0, rel=0.01)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="equal length"):
        fit_power([1, 2], [1])


def test_x_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        fit_power([0, 1, 2, 3, 4, 5], [6, 5, 4, 3, 2, 1])
