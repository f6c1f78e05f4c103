"""The annealing law is trusted as far as the run's own past bears it out."""

import numpy as np
import pytest

from lightning_scaling import Curve, forecast
from lightning_scaling.forecasting.backtest import Cut
from lightning_scaling.forecasting.combination import UNTESTED, trust

STAYS, FALLS = np.zeros(1), np.ones(1)


def cut(missed):
    return Cut(missed, 1.0, np.zeros(5))


def test_a_law_that_never_missed_is_trusted_in_full():
    assert trust([cut(0.0)] * 3, STAYS) == pytest.approx(1)


def test_a_law_that_missed_by_a_third_is_not():
    assert trust([cut(0.3)] * 3, STAYS)[0] < 0.01


def test_much_remaining_annealing_speaks_for_the_law_that_knows_of_it():
    assert trust([cut(0.03)], FALLS)[0] > trust([cut(0.03)], STAYS)[0]


def test_no_cut_leaves_the_usual_trust():
    assert trust([], STAYS) == pytest.approx(UNTESTED)


def decades(noise):
    """A squared error that falls by four decades and then stays at its floor for most of the run."""
    step = np.arange(1, 1501) * 10.0
    loss = 1e-4 + np.exp(-step / 300)
    return Curve(step, loss * (1 + noise * np.random.default_rng(0).standard_normal(len(step))))


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.1])
def test_a_floor_after_a_fall_by_decades_is_not_extrapolated_down(noise):
    f = forecast(decades(noise), 30_000)
    assert f.low < 1e-4 < f.high
    assert f.loss == pytest.approx(1e-4, rel=0.1)


def test_losses_printed_to_few_decimals_are_not_extrapolated_below_their_last_digit():
    step = np.arange(1, 101) * 25.0
    f = forecast(Curve(step, np.round(0.02 * (step / 25) ** -0.5, 3)), 5_000)
    assert not f.low < 0.001


@pytest.mark.parametrize("at", [4e4, 4e5])
@pytest.mark.parametrize("steepness", [0.1, 3.0, 40.0])
def test_no_interval_spans_more_than_a_factor_of_ten(at, steepness):
    step = np.arange(1, 61) * 10.0
    f = forecast(Curve(step, np.exp(-steepness * (step / 600) ** 2) * (1 + 0.3 * np.sin(step / 30))), at)
    assert np.isnan(f.high) or f.high <= 10 * f.low
