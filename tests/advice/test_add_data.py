"""Keep adding data? An answer with its numbers, never against the verdict."""

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule, advise
from lightning_scaling.advice import AddData, Economics

END = 100_000_000.0
FLAT = {"share": 3e-4, "alpha": 0.9, "noise": 1e-4}


def test_a_run_that_still_falls_should_get_more(make_run):
    advice = advise(make_run("wsd", 1.0, share=0.5, alpha=0.3), END)
    assert advice.add_data is AddData.YES
    assert "200M tokens are expected to end at" in advice.add_data_because
    assert "PF-days" in advice.add_data_because


def test_a_plateau_should_not(make_run):
    advice = advise(make_run("early", 0.85, **FLAT), END)
    assert advice.plateau is not None
    assert advice.add_data is AddData.NO


def test_a_turned_up_run_should_not(make_run):
    run = make_run("cosine", 0.7, change=lambda t: 1 + 0.8 * np.maximum(t - 0.4, 0), unique=END / 40)
    advice = advise(run, END)
    assert advice.add_data is AddData.NO
    assert "turned up" in advice.add_data_because


@pytest.mark.parametrize("until", [0.0, 0.08])
def test_too_few_points_leave_it_open(make_run, until):
    assert advise(make_run(until=until), END).add_data is AddData.NOT_KNOWN


def test_a_broken_run_leaves_it_open(make_run):
    run = make_run("cosine", 0.5)
    broken = Curve(run.tokens, np.r_[run.loss[:-5], [np.nan] * 5], run.step, run.schedule, run.params)
    assert advise(broken, END).add_data is AddData.NOT_KNOWN


@pytest.mark.parametrize("rate", ["constant", "cosine", "early"])
def test_it_never_contradicts_the_verdict(make_run, rate):
    for until in (0.5, 0.9, 1.0):
        advice = advise(make_run(rate, until, noise=2e-3), END)
        assert not (advice.verdict.name == "STOP" and advice.add_data is AddData.YES)
        assert not (advice.verdict.name == "CONTINUE_PAST_PLAN" and advice.add_data is not AddData.YES)


def billion():
    tokens = np.linspace(1e9, 6e10, 100)
    return Curve(tokens, 2.2 + (1e9 / tokens) ** 0.4, np.arange(1, 101), Schedule([0, 100], [1.0, 0.0]), params=1_000_000_000)


def test_inside_its_range_a_published_law_gives_the_ratio():
    assert "compute-optimal by besiroglu2024" in advise(billion(), 6e10).add_data_because


def test_outside_its_range_it_is_not_quoted(make_run):
    because = advise(make_run("cosine", 0.6, params=1000), END).add_data_because
    assert "besiroglu2024" not in because
    assert "no law for a run of this size and loss" in because


def test_tokens_to_be_served_are_weighed():
    assert "served" in advise(billion(), 6e10, economics=Economics(tokens_served=1e13)).add_data_because


def test_no_sentence_speaks_of_tokens_when_steps_are_counted(make_run):
    run = make_run("wsd", 1.0, share=0.5, alpha=0.3)
    advice = advise(Curve(run.step, run.loss, run.step, run.schedule, params=10**9), 1000, unit="steps")
    assert "token" not in advice.add_data_because
    assert "2k steps" in advice.add_data_because
    assert "FLOPs" not in advice.add_data_because


def test_the_cost_of_a_token_can_be_given(make_run):
    run = make_run("wsd", 1.0, share=0.5, alpha=0.3)
    advice = advise(Curve(run.step, run.loss, run.step, run.schedule), 1000, unit="steps", flops_per_token=1e12)
    assert "for 1e15 FLOPs" in advice.add_data_because
