"""Each verdict and each reason is brought about by a run that deserves it."""

from dataclasses import replace

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule, advise, forecast
from lightning_scaling.advice import Economics
from lightning_scaling.advice.evidence import Evidence

END = 100_000_000.0
FLAT = {"share": 3e-4, "alpha": 0.9, "noise": 1e-4}


def decided(curve, budget=END, **terms):
    advice = advise(curve, budget, **terms)
    return advice.verdict.name, advice.reason.name


def test_a_few_points_are_too_early(make_run):
    assert decided(make_run(until=0.08)) == ("TOO_EARLY", "FEW_POINTS")


def test_no_points_are_too_early():
    assert decided(Curve([], [])) == ("TOO_EARLY", "FEW_POINTS")


def test_warm_up_is_too_early():
    steps = np.arange(1, 41)
    run = Curve(steps * 1e6, 5 - steps / 20, steps, Schedule([0, 50, 100], [0.0, 1.0, 0.0]))
    assert decided(run) == ("TOO_EARLY", "WARMING_UP")


def test_a_forecast_that_refuses_leaves_it_open(make_run):
    run = make_run(until=0.5)
    refused = replace(forecast(run, at=END), loss=float("nan"))
    assert decided(run, forecast=refused) == ("TOO_EARLY", "UNSURE")


@pytest.mark.parametrize("rate", ["cosine", "wsd"])
@pytest.mark.parametrize("until", [0.3, 0.6])
def test_before_the_decay_a_run_continues(make_run, rate, until):
    assert decided(make_run(rate, until)) == ("CONTINUE", "DECAY_TO_COME")


def test_a_constant_rate_in_mid_run_continues(make_run):
    assert decided(make_run("constant", 0.5)) == ("CONTINUE", "STILL_GAINING")


def test_a_constant_rate_near_its_end_should_decay(make_run):
    assert decided(make_run("constant", 0.9)) == ("DECAY_NOW", "DECAY_PAYS")


def test_nothing_left_at_a_constant_rate_asks_for_the_decay(make_run):
    assert decided(make_run("constant", 0.75, **FLAT)) == ("DECAY_NOW", "FLAT_AT_THIS_RATE")


def test_a_stable_phase_that_brings_nothing_should_decay_early(make_run):
    assert decided(make_run("wsd", 0.6, **FLAT)) == ("DECAY_NOW", "FLAT_AT_THIS_RATE")


def test_nothing_left_after_the_decay_stops(make_run):
    assert decided(make_run("early", 0.85, **FLAT)) == ("STOP", "NOTHING_LEFT")


def test_nothing_left_with_a_law_of_one_s_own_asks_for_a_larger_model():
    tokens = np.linspace(2e7, 8e8, 100)
    steps = np.arange(1, 101)
    tiny = Curve(tokens, 6.0 + 1e-4 * np.cos(9 * steps), steps, Schedule([0, 20, 40, 200], [1.0, 1.0, 0.02, 0.02]), params=1000)
    assert decided(tiny, 1e9) == ("STOP", "NOTHING_LEFT")
    assert decided(tiny, 1e9, law="besiroglu2024") == ("GROW", "LARGER_MODEL")


def test_the_end_of_a_plan_that_still_pays_asks_for_more(make_run):
    assert decided(make_run("wsd", 1.0, share=0.5, alpha=0.3)) == ("CONTINUE_PAST_PLAN", "PLAN_TOO_SHORT")


def test_the_end_of_a_plan_with_nothing_after_it_stops(make_run):
    assert decided(make_run("early", 1.0, **FLAT)) == ("STOP", "NOTHING_LEFT")


def test_a_larger_model_is_asked_for_at_the_end_of_the_plan(make_run):
    run = make_run("cosine", 1.0, params=1000)
    assert decided(run, law="besiroglu2024") == ("GROW", "LARGER_MODEL")


def test_a_target_past_the_plan_asks_to_continue(make_run):
    run = make_run("constant", 0.7, share=0.5, alpha=0.3)
    end = forecast(run, at=END)
    target = Economics(target_loss=end.low * 0.985)
    assert decided(run, economics=target) == ("CONTINUE_PAST_PLAN", "TARGET_PAST_PLAN")


def test_many_served_tokens_turn_grow_into_adding_data(make_run):
    run = make_run("constant", 0.7, share=0.5, alpha=0.3, params=300_000)
    target = 0.97 * forecast(run, at=END).low
    few, many = (Economics(target_loss=target, tokens_served=served) for served in (0.0, 1e13))
    assert decided(run, economics=few, law="besiroglu2024")[0] == "GROW"
    assert decided(run, economics=many, law="besiroglu2024") == ("CONTINUE_PAST_PLAN", "TARGET_PAST_PLAN")


def test_a_reached_target_stops(make_run):
    run = make_run("cosine", 0.7)
    assert decided(run, economics=Economics(target_loss=run.loss[-1] * 1.02)) == ("STOP", "TARGET_REACHED")


def rising(begins, slope):
    return lambda t: 1 + slope * np.maximum(t - begins, 0)


def test_over_fitting_on_repeated_data_stops(make_run):
    assert decided(make_run("cosine", 0.7, change=rising(0.4, 0.8), unique=END / 40)) == ("STOP", "OVERFITTING")


def test_turning_up_without_repetition_stops(make_run):
    assert decided(make_run("early", 0.9, change=rising(0.6, 0.3))) == ("STOP", "TURNED_UP")


def test_a_rise_that_the_decay_will_undo_is_waited_for(make_run):
    run = make_run("wsd", 0.56, share=0.5, alpha=1.0, change=lambda t: 1 + 2 * np.maximum(t - 0.45, 0))
    evidence = Evidence(run, END, (), None, Economics(), 0.9)
    assert evidence.turn.proven(None, decay_left=0.4)
    assert not evidence.turned_up
    assert decided(run)[0] != "STOP"


def test_data_repeated_too_often_should_be_fresh(make_run):
    run = make_run("cosine", 0.6, unique=END / 30)
    assert decided(run) == ("FRESH_DATA", "REPETITION")
    assert decided(run, economics=Economics(fresh_tokens=False))[0] == "CONTINUE"


def test_losses_that_are_not_finite_need_a_look(make_run):
    run = make_run("cosine", 0.5)
    broken = replace_loss(run, np.r_[run.loss[:-5], [np.nan] * 5])
    assert decided(broken) == ("INVESTIGATE", "NOT_FINITE")


def test_a_loss_back_at_its_start_has_diverged(make_run):
    assert decided(make_run("cosine", 0.56, change=lambda t: np.where(t > 0.5, 1.6, 1.0))) == ("INVESTIGATE", "DIVERGING")


def test_a_loss_that_only_climbs_has_diverged(make_run):
    assert decided(make_run("cosine", 0.4, change=lambda t: 1 + 4 * t)) == ("INVESTIGATE", "DIVERGING")


@pytest.mark.parametrize("seed", range(6))
def test_without_a_plan_a_plateau_must_be_all_but_certain(make_run, seed):
    run = make_run("early", 0.75, noise=1e-3, seed=seed, **{k: FLAT[k] for k in ("share", "alpha")})
    advice = advise(Curve(run.tokens, run.loss), END, threshold=2e-3)
    assert advice.verdict.name == "CONTINUE" or advice.confidence >= 0.99


def test_a_jump_that_stays_needs_a_look(make_run):
    assert decided(make_run("cosine", 0.56, change=lambda t: np.where(t > 0.5, 1.05, 1.0))) == ("INVESTIGATE", "SPIKE")


def test_a_jump_of_a_tenth_of_a_percent_is_nothing_to_look_into(make_run):
    run = make_run("cosine", 0.56, noise=1e-6, change=lambda t: np.where(t > 0.5, 1.005, 1.0))
    assert decided(run)[0] == "CONTINUE"


def replace_loss(run, loss):
    return Curve(run.tokens, loss, run.step, run.schedule, run.params)
