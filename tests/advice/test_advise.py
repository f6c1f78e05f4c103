"""`advise` as a function: pure, scale-free, quick, and steady."""

import collections
import json
import pickle
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lightning_scaling import Curve, advise, forecast
from lightning_scaling.advice import Economics

END = 100_000_000.0


def test_the_same_run_gets_the_same_advice(make_run):
    first, second = (advise(make_run(until=0.7), END) for _ in range(2))
    assert first.to_json() == second.to_json()


@pytest.mark.parametrize("scale", [1e-3, 40.0])
def test_the_unit_of_the_loss_does_not_matter(make_run, scale):
    run = make_run("constant", 0.9, params=None)
    other = Curve(run.tokens, run.loss * scale, run.step, run.schedule)
    assert advise(run, END).verdict is advise(other, END).verdict


def test_the_unit_of_the_tokens_does_not_matter(make_run):
    run = make_run("cosine", 0.7, change=lambda t: 1 + 0.8 * np.maximum(t - 0.4, 0), params=None)
    other = Curve(run.tokens / 512, run.loss, run.step, run.schedule)
    first, second = advise(run, END), advise(other, END / 512)
    assert (first.verdict, first.reason) == (second.verdict, second.reason)


def test_a_plan_that_is_over_is_still_judged(make_run):
    assert advise(make_run(), END / 2).verdict.name in {"STOP", "CONTINUE_PAST_PLAN"}


def test_the_sentence_carries_the_numbers_that_decided(make_run):
    because = advise(make_run(until=0.6), END).because
    assert "60 % of the token budget" in because
    assert "to fall" in because


def test_advice_is_one_json_document(make_run):
    assert json.loads(json.dumps(advise(make_run(until=0.6, unique=END / 3), END).to_json()))["verdict"] == "CONTINUE"


def test_advice_can_be_pickled(make_run):
    advice = advise(make_run(until=0.6), END)
    assert pickle.loads(pickle.dumps(advice)).because == advice.because


def test_the_facts_hold_its_tokens_per_parameter(make_run):
    facts = advise(make_run(until=0.6, params=100_000), END, law="besiroglu2024").facts
    assert facts["tokens_per_param"] == 1000
    assert facts["sizing"].startswith("over-trained")


@pytest.mark.parametrize(
    ("planned", "terms"), [(-1, {}), (float("nan"), {}), (END, {"threshold": 2}), (END, {"law": 7}), (END, {"law": "none"})]
)
def test_misuse_is_refused_in_words(make_run, planned, terms):
    with pytest.raises(ValueError, match=r"planned_tokens|threshold|law"):
        advise(make_run(until=0.5), planned, **terms)


def changes(run, evaluations, **terms):
    """How often the verdict changes over the life of a run."""
    ends = np.linspace(3, len(run) - 1, evaluations).astype(int)
    verdicts = [advise(run.take(slice(0, end + 1)), END, **terms).verdict for end in ends]
    return sum(a is not b for a, b in pairwise(verdicts))


@pytest.mark.parametrize("rate", ["constant", "cosine", "wsd", "early"])
@pytest.mark.parametrize("noise", [2e-4, 5e-3])
def test_verdicts_change_at_most_once_in_ten_evaluations(make_run, rate, noise):
    assert changes(make_run(rate, noise=noise), 20) <= 2


@pytest.mark.parametrize("seed", range(3))
def test_no_healthy_run_is_stopped_before_its_end(make_run, seed):
    run = make_run("cosine", noise=1e-2, seed=seed, until=0.92)
    verdicts = [advise(run.take(slice(0, end)), END).verdict.name for end in range(10, len(run), 8)]
    assert "STOP" not in verdicts


def test_a_plateau_is_never_called_before_the_decay(make_run):
    run = make_run("wsd", 0.78, share=1e-5, noise=1e-4)
    reasons = {advise(run.take(slice(0, end)), END).verdict.name for end in range(10, len(run), 6)}
    assert reasons <= {"TOO_EARLY", "CONTINUE", "DECAY_NOW"}


def test_the_threshold_is_the_user_s(make_run):
    run = make_run("early", 0.6, share=0.02, alpha=0.5)
    assert advise(run, END).verdict.name == "CONTINUE"
    assert advise(run, END, economics=Economics(threshold=0.05)).verdict.name == "STOP"


def test_the_work_of_advice_does_not_grow_with_the_run(make_run):
    short, long = (make_run("cosine", 0.6, points=points) for points in (120, 1920))
    assert calls(long) < 1.5 * calls(short)


def calls(run):
    """Functions that one piece of advice calls."""
    advise(run, END)
    called = collections.Counter()
    sys.setprofile(lambda frame, event, argument: called.update((event,)))
    try:
        advise(run, END)
    finally:
        sys.setprofile(None)
    return called["call"] + called["c_call"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([1, 2], 3), "advise needs a Curve, got an object of type list"),
        ((Curve([1.0], [2.0]), "many"), "planned_tokens must be a number of tokens"),
        ((Curve([1.0], [2.0]), 9, Curve([1.0], [2.0])), "siblings must be a list of finished Curves"),
        ((Curve([1.0], [2.0]), 9, [3]), "got an object of type int among them"),
    ],
)
def test_a_wrong_type_gets_a_sentence(arguments, sentence):
    with pytest.raises(TypeError, match=sentence):
        advise(*arguments)


def test_json_holds_the_answer_about_data_and_the_probability_of_a_plateau(make_run):
    document = advise(make_run(until=0.6), END).to_json()
    assert document["add_data"] in {"YES", "NO", "NOT_KNOWN"}
    assert 0 <= document["plateau_probability"] <= 1
    assert advise(make_run(until=0.05), END).to_json()["plateau_probability"] is None


def test_no_decay_is_advised_to_a_schedule_free_optimiser(make_run):
    for until, course in ((0.75, {"share": 3e-4, "alpha": 0.9, "noise": 1e-4}), (0.9, {})):
        run = make_run("constant", until, **course)
        assert advise(run, END).verdict.name == "DECAY_NOW"
        advice = advise(run, END, schedule_free=True)
        assert advice.verdict.name != "DECAY_NOW"
        assert advice.option("decay now") is None
        assert "schedule-free" in advice.because


def test_no_decay_is_advised_in_the_first_fifth_of_the_budget(make_run):
    run = make_run("constant", 0.18, share=1e-6, noise=1e-4)
    assert advise(run, END).verdict.name == "CONTINUE"


def test_a_forecast_without_an_interval_decides_nothing(make_run):
    run = make_run("constant", 0.6)
    declined = replace(forecast(run, at=END), loss=float(run.loss[-1]), low=float("nan"), high=float("nan"))
    advice = advise(run, END, forecast=declined)
    assert (advice.verdict.name, advice.reason.name) == ("TOO_EARLY", "UNSURE")
    assert advice.add_data.name == "NOT_KNOWN"
    assert advice.options == ()
    assert "nan" not in str(advice)
