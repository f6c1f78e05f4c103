"""The width of a forecast is calibrated by a backtest on the run's own past."""

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule
from lightning_scaling.forecasting.backtest import CUTS, WIDEST, backtest, calibrated
from lightning_scaling.forecasting.law_forecast import predict
from lightning_scaling.forecasting.observed import observe
from lightning_scaling.forecasting.prior import Prior
from lightning_scaling.forecasting.rate_profile import read_profile

STEPS = np.arange(1, 201) * 100.0
CONSTANT = Schedule([0, 40_000], [1.0, 1.0])


def law(loss, schedule):
    curve = Curve(STEPS * 1e4, loss, step=STEPS, schedule=schedule)
    profile = None if schedule is None else read_profile(schedule)
    found = predict(observe(curve, np.array([4e8]), profile), Prior())
    return found, backtest(curve, profile, 1, found.observed.units, Prior())


def widened(loss, schedule=CONSTANT):
    """Width after the backtest, over the width before."""
    before, cuts = law(loss, schedule)
    after = calibrated(before, cuts, schedule is not None)
    return float(after.mixture.moments()[1][0] / before.mixture.moments()[1][0])


def smooth():
    noise = np.random.default_rng(0).normal(0, 2e-4, len(STEPS))
    return (2 + 0.8 * (STEPS / 1e3) ** -0.4) * (1 + noise)


def bent():
    """Nearly flat for the first half, then decaying again: no earlier part of it predicts the present."""
    return smooth() - 0.3 * np.clip(STEPS / STEPS[-1] - 0.5, 0, None)


def test_a_past_that_was_predicted_narrows_the_forecast():
    assert widened(smooth()) < 1


def test_a_past_that_surprised_widens_it():
    assert widened(bent()) > 1.5


def test_the_widening_is_bounded():
    jump = np.where(0.9 * STEPS[-1] < STEPS, 0.5, 1.0) * smooth()
    assert widened(jump) == pytest.approx(WIDEST, rel=0.01)


def test_without_a_schedule_the_past_never_narrows():
    assert widened(smooth(), None) == pytest.approx(1.0)
    assert widened(bent(), None) > 1.5


def test_a_rate_that_has_still_to_fall_keeps_most_of_its_width():
    decaying = Schedule([0, 20_000, 40_000], [1.0, 1.0, 0.0])
    assert widened(smooth()) < widened(smooth(), decaying) < 1


def test_the_median_does_not_move():
    before, cuts = law(bent(), CONSTANT)
    after = calibrated(before, cuts, True)
    assert after.mixture.moments()[0] == pytest.approx(before.mixture.moments()[0])


def test_every_cut_with_enough_points_is_asked_for_the_present():
    _, cuts = law(smooth(), CONSTANT)
    assert len(cuts) == len(CUTS)
    assert all(abs(cut.law) < 0.01 for cut in cuts)


def test_a_scaled_loss_is_missed_by_the_same_share():
    (_, one), (_, many) = law(bent(), CONSTANT), law(1000 * bent(), CONSTANT)
    np.testing.assert_allclose([cut.law for cut in one], [cut.law for cut in many], rtol=1e-6)
