"""Laws of one variable: over compute across runs, and of one run; recovered with intervals that hold them, whatever the units."""

import numpy as np
import pytest

from lightning_scaling import Curve
from lightning_scaling.laws import Surface, envelope, fit_frontier
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


LADDER = np.array([2.032, 1.734, 1.573, 1.427, 1.331, 1.200])  # a ladder of byte-level GPTs at 30 tokens per param
SIZES = np.array([13e3, 27e3, 46e3, 72e3, 103e3, 164e3])


def test_a_power_law_is_found_exactly() -> None:
    flops = np.geomspace(1e15, 1e18, 6)
    law = fit_frontier(flops, (3e20 / flops) ** 0.05)
    assert (law.exponent, law.scale, law.r_squared) == pytest.approx((0.05, 3e20, 1.0), rel=1e-9)
    assert law.outcome.name == "FLOOR_NOT_IDENTIFIED"


def test_a_floor_is_found_where_the_runs_show_one() -> None:
    flops = np.geomspace(1e15, 1e20, 12)
    law = fit_frontier(flops, 1.7 + (1e15 / flops) ** 0.2)
    assert (law.floor, law.floor_exponent) == pytest.approx((1.7, 0.2), rel=1e-3)
    assert law.floor_scale == pytest.approx(1e15, rel=0.01)
    assert law.predict(1e22, form="floor") == pytest.approx(1.7 + 1e-7**0.2, rel=1e-3)
    assert law.outcome.name == "FITTED"


def test_the_largest_cell_of_a_ladder_is_predicted_within_two_percent() -> None:
    flops = 180 * SIZES**2
    law = fit_frontier(flops[:-1], LADDER[:-1])
    assert law.r_squared > 0.995
    assert law.predict(flops[-1]) == pytest.approx(LADDER[-1], rel=0.02)
    low, high = law.band(flops[-1])
    assert low < LADDER[-1] < high


def test_the_band_holds_nine_runs_in_ten() -> None:
    flops, rng, held = np.geomspace(1e15, 1e18, 6), np.random.default_rng(0), []
    for _ in range(400):
        law = fit_frontier(flops, (1e20 / flops) ** 0.06 * np.exp(0.01 * rng.standard_normal(6)))
        low, high = law.band(1e19)
        held.append(low <= (1e20 / 1e19) ** 0.06 * np.exp(0.01 * rng.standard_normal()) <= high)
    assert 0.86 < np.mean(held) < 0.94


@pytest.mark.parametrize(("loss", "outcome"), [([3.0, 3.1, 3.3, 3.2], "NO_FALL"), ([3.0, 2.9], "TOO_FEW_POINTS")])
def test_what_is_no_law_says_so(loss: list[float], outcome: str) -> None:
    assert fit_frontier(np.geomspace(1e15, 1e18, len(loss)), loss).outcome.name == outcome


def curves() -> list[Curve]:
    law = Surface(1.69, 406.4, 410.7, 0.34, 0.28)
    tokens = np.geomspace(1e8, 1e12, 400)
    return [Curve(tokens, law.predict(n, tokens), params=int(n)) for n in np.geomspace(1e7, 1e10, 25)]


def test_the_envelope_of_curves_finds_the_exponent_of_the_law() -> None:
    found = envelope(curves(), resamples=30)
    assert found.growth is not None
    assert found.growth.N_exponent == pytest.approx(0.28 / 0.62, abs=0.02)
    low, high = found.growth.N_exponent_interval
    assert low <= found.growth.N_exponent <= high


def test_where_the_smallest_or_largest_size_wins_the_envelope_keeps_out_of_the_line() -> None:
    found = envelope(curves(), resamples=0)
    assert not found.inner[0]
    assert found.growth is not None
    assert found.growth.params.min() > found.params.min()


def test_two_sizes_make_no_line_and_one_is_refused() -> None:
    assert envelope([curves()[0], curves()[-1]], resamples=0).growth is None
    with pytest.raises(ValueError, match="at least two sizes"):
        envelope(curves()[:1])


def test_a_flat_frontier_is_no_law_and_has_no_absurd_numbers() -> None:
    law = fit_frontier(np.geomspace(1e15, 1e18, 9), np.full(9, 3.0))
    assert (law.outcome.name, str(law)) == ("NO_FALL", f"No law of loss over compute from 9 runs: {law.outcome}.")
    assert np.isnan(law.r_squared)


def test_a_fall_within_the_noise_shows_no_floor() -> None:
    law = fit_frontier([1e15, 1e16, 1e17], [2.83, 2.784, 2.783])
    assert law.exponent_interval[0] < 0 < law.exponent
    assert law.falls
    assert not law.floor_identified
    assert not fit_frontier([1e15, 1e16, 1e17], [2.7841, 2.784, 2.7839]).falls


def test_a_span_of_many_powers_of_ten_is_written_as_such() -> None:
    assert "powers of ten" in envelope(curves(), resamples=0).because
    short = Surface(1.69, 406.4, 410.7, 0.34, 0.28)
    tokens = np.geomspace(1e9, 3e10, 40)
    near = [Curve(tokens, short.predict(n, tokens), params=int(n)) for n in (1e8, 2e8, 4e8, 8e8)]
    assert " times" in envelope(near, resamples=0).because
