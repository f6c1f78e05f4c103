"""Every outcome can be brought about, misuse is refused in one line, and shapes that people meet are survived: steps, floors."""

from itertools import pairwise

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule, advise, forecast
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


STEPS = 10_000
STEP = np.arange(50, STEPS + 1, 50)


def stairs(fall, seed=0, noise=0.01):
    """A fine-tuning of ten epochs whose training loss falls by `fall` at each epoch's end and is flat within."""
    loss = 2.0 * (1 - fall) ** np.floor((STEP - 1) / (STEPS / 10))
    return Curve(STEP, loss * (1 + noise * np.random.default_rng(seed).standard_normal(len(STEP))))


def correlated(seed, persistence=0.97, noise=0.01):
    """A power law in noise whose neighbours are nearly equal, as shards of text of different difficulty give."""
    draws = np.random.default_rng(seed).standard_normal(len(STEP)) * (1 - persistence**2) ** 0.5
    walk = np.zeros(len(STEP))
    for i, draw in enumerate(draws):
        walk[i] = persistence * walk[i - 1] + draw
    return Curve(STEP, (2 + 20 * STEP**-0.4) * (1 + noise * walk), STEP, Schedule.constant(STEPS))


@pytest.mark.parametrize("fall", [0.05, 0.1, 0.2, 0.45])
def test_steps_at_epoch_ends_are_inside_the_interval_or_declined(fall):
    whole = stairs(fall)
    f = forecast(whole.until(0.52 * STEPS), at=STEPS)
    assert f.outcome.declined or f.low < whole.loss[-1] < f.high


@pytest.mark.parametrize("seed", range(4))
def test_autocorrelated_noise_moves_the_answer_by_less_than_its_interval(seed):
    whole = correlated(seed)
    found = [forecast(whole.until(share * STEPS), at=STEPS) for share in (0.5, 0.52, 0.54, 0.56, 0.58)]
    for before, after in pairwise(found):
        assert before.low < after.loss < before.high


@pytest.mark.parametrize("drop", [0.1, 0.14])
def test_the_drop_at_a_milestone_is_expected_where_the_schedule_holds_it(run, drop):
    whole = run("two_stage", rise=0.2, drop=drop)
    seen = whole.until(0.55 * run.end)
    held = Curve(seen.tokens, seen.loss, seen.step, Schedule.constant(STEPS, warmup=200))
    with_it, without = forecast(seen, run.end), forecast(held, run.end)
    assert with_it.low < whole.loss[-1] < with_it.high
    assert abs(with_it.loss - whole.loss[-1]) < abs(without.loss - whole.loss[-1])


def test_forecast_and_advice_agree_on_a_floor_after_a_fall_by_decades():
    noise = 1 + 0.02 * np.random.default_rng(0).standard_normal(len(STEP))
    floor = Curve(STEP, (1e-4 + 10 * np.exp(-STEP / 150)) * noise)
    f, verdict = forecast(floor.until(STEPS / 2), at=STEPS), advise(floor.until(STEPS / 2), STEPS)
    assert f.loss == pytest.approx(1e-4, rel=0.05)
    assert verdict.forecast is None or verdict.forecast.loss == pytest.approx(1e-4, rel=0.05)


def test_a_rate_that_has_been_flat_leans_towards_the_decay_that_may_come(run):
    seen = run("constant").until(0.5 * run.end)
    so_far = Schedule(seen.step, np.ones(len(seen)))
    unknown, held = forecast(Curve(seen.tokens, seen.loss, seen.step, so_far), run.end), forecast(seen, run.end)
    assert unknown.low < unknown.loss < held.loss < unknown.high
