"""Every outcome can be brought about, and misuse is refused in one line."""

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule, forecast
from lightning_scaling.forecasting import ForecastOutcome as Is


def outcome_of(curve, at, *siblings):
    return forecast(curve, at, siblings).outcome


def test_a_decay_under_way_is_a_clean_forecast(run):
    assert outcome_of(run("cosine").until(0.5 * run.end), run.end) is Is.FORECAST


def test_a_constant_rate_is_a_clean_forecast(run):
    assert outcome_of(run("constant").until(0.5 * run.end), run.end) is Is.FORECAST


def test_a_decay_not_yet_seen_rests_on_the_prior(run):
    assert outcome_of(run("wsd").until(0.5 * run.end), run.end) is Is.DECAY_UNSEEN_PRIOR


def test_a_decay_not_yet_seen_is_transferred_from_siblings(run):
    assert outcome_of(run("wsd").until(0.5 * run.end), run.end, run("wsd", floor=2.2)) is Is.DECAY_UNSEEN_SIBLINGS


def test_no_schedule_is_reported(run):
    assert outcome_of(run("cosine", planned=False).until(0.5 * run.end), run.end) is Is.NO_SCHEDULE


def test_a_schedule_that_is_too_short_is_reported(run):
    assert outcome_of(run("cosine").until(0.5 * run.end), 2 * run.end) is Is.SCHEDULE_ENDS


def test_a_place_already_passed_is_read_off_the_curve(run):
    whole = run("cosine")
    f = forecast(whole, 0.4 * run.end)
    assert f.outcome is Is.SEEN
    assert f.loss == pytest.approx(np.interp(0.4 * run.end, whole.tokens, whole.loss), rel=3e-3)


def test_warmup_is_reported():
    curve = Curve(np.arange(1, 21) * 1e5, np.linspace(9, 5, 20), np.arange(1, 21), Schedule([0, 100, 1000], [0.0, 1.0, 0.0]))
    assert outcome_of(curve, 1e8) is Is.WARMUP


def test_too_few_points_are_reported():
    f = forecast(Curve([1e6, 2e6, 3e6], [4.0, 3.5, 3.2]), 1e7)
    assert f.outcome is Is.TOO_FEW_POINTS
    assert f.loss == 3.5
    assert np.isnan([f.low, f.high, f.probability_below(3.0)]).all()


def test_no_finite_loss_is_no_forecast():
    f = forecast(Curve([1e6, 2e6], [np.nan, np.inf]), 1e7)
    assert f.outcome is Is.NOT_FINITE
    assert np.isnan([f.loss, f.low, f.high, f.probability_below(1.0)]).all()


def test_an_empty_curve_is_no_forecast():
    assert outcome_of(Curve([], []), 1e7) is Is.NOT_FINITE


def test_losses_that_have_become_nan_are_divergence(run):
    observed = run("constant").until(0.5 * run.end)
    loss = np.r_[observed.loss[:-4], [np.nan] * 4]
    assert outcome_of(Curve(observed.tokens, loss, observed.step, observed.schedule), run.end) is Is.DIVERGED


def test_a_loss_back_above_its_beginning_is_divergence(run):
    observed = run("constant").until(0.5 * run.end)
    loss = np.r_[observed.loss[:-6], np.linspace(5, 9, 6)]
    assert outcome_of(Curve(observed.tokens, loss, observed.step, observed.schedule), run.end) is Is.DIVERGED


def test_over_fitting_turns_up(run):
    observed = run("constant").until(0.8 * run.end)
    loss = observed.loss + np.maximum(observed.tokens / run.end - 0.5, 0)
    assert outcome_of(Curve(observed.tokens, loss, observed.step, observed.schedule), run.end) is Is.TURNS_UP


@pytest.mark.parametrize("noise", [0.0, 1e-4, 0.003, 0.03])
def test_noise_alone_is_no_upturn(run, noise):
    outcomes = [outcome_of(run("constant", noise=noise, seed=s).until(0.9 * run.end), run.end) for s in range(20)]
    assert outcomes.count(Is.TURNS_UP) == 0


def test_every_outcome_has_a_sentence():
    assert all(len(str(outcome)) > 20 for outcome in Is)


@pytest.mark.parametrize("at", [0, -1.0, np.nan, np.inf, [], [[1.0]]])
def test_a_place_that_makes_no_sense_is_refused(run, at):
    with pytest.raises(ValueError, match="at must be tokens"):
        forecast(run(), at)


@pytest.mark.parametrize("level", [0, 1, 90])
def test_a_level_that_makes_no_sense_is_refused(run, level):
    with pytest.raises(ValueError, match="level must lie between"):
        forecast(run(), run.end, level=level)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("cosine", Is.RATE_SO_FAR_COSINE),
        ("linear", Is.RATE_SO_FAR_LINEAR),
        ("constant", Is.RATE_SO_FAR_CONSTANT),
        ("inv_sqrt", Is.RATE_SO_FAR_INVERSE_SQRT),
    ],
)
def test_a_rate_known_so_far_names_the_most_likely_schedule(run, kind, wanted):
    seen = run(kind).until(0.6 * run.end)
    steps = seen.schedule.step <= seen.step[-1]
    so_far = Curve(seen.tokens, seen.loss, seen.step, Schedule(seen.schedule.step[steps], seen.schedule.lr[steps]))
    f = forecast(so_far, run.end)
    assert f.outcome is wanted
    assert sum(f.schedules.values()) == pytest.approx(1)


def test_a_curve_that_cannot_be_extrapolated_gets_its_last_level_and_no_interval():
    steps = np.arange(1, 41)
    loss = np.exp(5 - 4 * np.sin(steps / 5))
    f = forecast(Curve(steps, loss), 400)
    assert f.outcome is Is.TOO_UNCERTAIN
    assert f.loss == np.median(loss[-3:])
    assert np.isnan([f.low, f.high, f.probability_below(1.0)]).all()


def test_places_near_keep_their_interval_where_a_far_one_is_declined():
    steps = np.arange(1, 41)
    f = forecast(Curve(steps, np.exp(5 - 1.5 * np.sin(steps / 5))), [30, 400])
    assert np.isfinite(f.low).tolist() == [True, False]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([1, 2], 3), "needs a Curve"),
        ((Curve([1], [1]), 3, Curve([1], [1])), "sequence of Curves"),
        ((Curve([1], [1]), 3, [1]), "sequence of Curves"),
    ],
)
def test_a_wrong_type_gets_a_sentence(arguments, says):
    with pytest.raises(TypeError, match=says):
        forecast(*arguments)
