"""The options that are compared: what they cost, what they bring, and on what schedule."""

import pytest

from lightning_scaling import advise, forecast, pf_days, training_flops
from lightning_scaling.advice.options import decayed_now, extended

END = 100_000_000.0


def test_every_option_has_its_interval_and_its_gain_per_pf_day(make_run):
    for option in advise(make_run("constant", 0.7, unique=END / 5), END).options:
        assert option.low <= option.loss <= option.high
        assert option.gain_per_pf_day == pytest.approx(option.gain / pf_days(option.flops))


def test_options_come_with_the_best_gain_for_their_cost_first(make_run):
    gains = [option.gain_per_pf_day for option in advise(make_run("constant", 0.7), END).options]
    assert gains == sorted(gains, reverse=True)


def test_a_constant_run_may_decay_and_a_decayed_one_may_not(make_run):
    assert advise(make_run("constant", 0.7), END).option("decay now") is not None
    assert advise(make_run("cosine", 0.7), END).option("decay now") is None


def test_only_repeated_data_is_compared_with_fresh(make_run):
    assert advise(make_run("cosine", 0.7), END).option("fresh data") is None
    advice = advise(make_run("cosine", 0.7, unique=END / 8), END)
    assert advice.option("fresh data").gain > advice.option("another epoch").gain > 0


def test_continuing_costs_what_is_left_of_the_plan(make_run):
    run = make_run("cosine", 0.6)
    left = END - run.tokens[-1]
    assert advise(run, END).option("continue").flops == training_flops(run.params, left)


def test_without_params_gains_stand_without_cost(make_run):
    options = advise(make_run("constant", 0.7, params=None), END).options
    assert {option.flops for option in options} == {None}
    assert {option.gain_per_pf_day for option in options} == {None}


def test_a_decay_now_ends_at_zero_and_leaves_the_past_alone(make_run):
    run = make_run("constant", 0.7)
    cooled, end = decayed_now(run, END)
    assert cooled.schedule.at(run.step[-1]) == run.schedule.at(run.step[-1])
    assert cooled.schedule.lr[-1] == 0
    assert END >= end > run.tokens[-1]


def test_a_decayed_run_goes_back_up_before_it_goes_on(make_run):
    run = make_run("cosine", 1.0)
    longer, what = extended(run, END, 2 * END)
    assert "before the decay" in what
    assert longer.schedule.at(1.5 * run.step[-1]) == pytest.approx(0.5 * run.schedule.peak)
    assert longer.schedule.at(2 * run.step[-1]) == pytest.approx(0, abs=1e-9)


def test_twice_the_tokens_of_a_constant_run_reach_less(make_run):
    run = make_run("constant", 1.0)
    assert advise(run, END).option("as much again").loss < forecast(run, at=END).loss
