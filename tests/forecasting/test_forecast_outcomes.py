"""Every outcome can be brought about, and misuse is refused in one line."""

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule, forecast
from lightning_scaling.forecasting import ForecastOutcome as Is


def told(curve, at, *siblings):
    return forecast(curve, at, siblings).outcome


def test_a_decay_under_way_is_a_clean_forecast(run):
    assert told(run("cosine").until(0.5 * run.end), run.end) is Is.FORECAST


def test_a_constant_rate_is_a_clean_forecast(run):
    assert told(run("constant").until(0.5 * run.end), run.end) is Is.FORECAST


def test_a_decay_not_yet_seen_rests_on_the_prior(run):
    assert told(run("wsd").until(0.5 * run.end), run.end) is Is.DECAY_UNSEEN_PRIOR


def test_a_decay_not_yet_seen_is_carried_over_from_siblings(run):
    assert told(run("wsd").until(0.5 * run.end), run.end, run("wsd", floor=2.2)) is Is.DECAY_UNSEEN_SIBLINGS


def test_no_schedule_is_said(run):
    assert told(run("cosine", planned=False).until(0.5 * run.end), run.end) is Is.NO_SCHEDULE


def test_a_plan_too_short_is_said(run):
    assert told(run("cosine").until(0.5 * run.end), 2 * run.end) is Is.PLAN_ENDS


def test_a_place_already_passed_is_read_off_the_curve(run):
    whole = run("cosine")
    f = forecast(whole, 0.4 * run.end)
    assert f.outcome is Is.SEEN
    assert f.loss == pytest.approx(np.interp(0.4 * run.end, whole.tokens, whole.loss), rel=3e-3)


def test_warmup_is_said():
    curve = Curve(np.arange(1, 21) * 1e5, np.linspace(9, 5, 20), np.arange(1, 21), Schedule([0, 100, 1000], [0.0, 1.0, 0.0]))
    assert told(curve, 1e8) is Is.WARMUP


def test_too_few_points_are_said():
    f = forecast(Curve([1e6, 2e6, 3e6], [4.0, 3.5, 3.2]), 1e7)
    assert f.outcome is Is.TOO_FEW_POINTS
    assert f.high / f.low > 2


def test_no_finite_loss_is_no_forecast():
    f = forecast(Curve([1e6, 2e6], [np.nan, np.inf]), 1e7)
    assert f.outcome is Is.NOT_FINITE
    assert np.isnan([f.loss, f.low, f.high, f.probability_below(1.0)]).all()


def test_an_empty_curve_is_no_forecast():
    assert told(Curve([], []), 1e7) is Is.NOT_FINITE


def test_losses_that_have_become_nan_are_divergence(run):
    observed = run("constant").until(0.5 * run.end)
    loss = np.r_[observed.loss[:-4], [np.nan] * 4]
    assert told(Curve(observed.tokens, loss, observed.step, observed.schedule), run.end) is Is.DIVERGED


def test_a_loss_back_above_its_beginning_is_divergence(run):
    observed = run("constant").until(0.5 * run.end)
    loss = np.r_[observed.loss[:-6], np.linspace(5, 9, 6)]
    assert told(Curve(observed.tokens, loss, observed.step, observed.schedule), run.end) is Is.DIVERGED


def test_over_fitting_turns_up(run):
    observed = run("constant").until(0.8 * run.end)
    loss = observed.loss + np.maximum(observed.tokens / run.end - 0.5, 0)
    assert told(Curve(observed.tokens, loss, observed.step, observed.schedule), run.end) is Is.TURNS_UP


@pytest.mark.parametrize("noise", [0.0, 1e-4, 0.003, 0.03])
def test_noise_alone_is_no_upturn(run, noise):
    outcomes = [told(run("constant", noise=noise, seed=s).until(0.9 * run.end), run.end) for s in range(20)]
    assert outcomes.count(Is.TURNS_UP) == 0


def test_every_outcome_says_what_it_means():
    assert all(len(str(outcome)) > 20 for outcome in Is)


@pytest.mark.parametrize("at", [0, -1.0, np.nan, np.inf, [], [[1.0]]])
def test_a_place_that_makes_no_sense_is_refused(run, at):
    with pytest.raises(ValueError, match="at must be tokens"):
        forecast(run(), at)


@pytest.mark.parametrize("level", [0, 1, 90])
def test_a_level_that_makes_no_sense_is_refused(run, level):
    with pytest.raises(ValueError, match="level must lie between"):
        forecast(run(), run.end, level=level)
