"""The size of a drop that has not been seen yet is transferred from finished runs of the family."""

import pytest

from lightning_scaling import Curve, forecast
from lightning_scaling.forecasting.siblings import likeness


@pytest.mark.parametrize("drop", [0.04, 0.25])
def test_siblings_transfer_an_unusual_drop(run, drop):
    whole = run("wsd", drop=drop)
    observed, sibling = whole.until(0.6 * run.end), run("wsd", drop=drop * 1.1, floor=2.3, rise=0.55, seed=5)
    alone, transferred = forecast(observed, run.end), forecast(observed, run.end, [sibling])
    assert abs(transferred.loss - whole.loss[-1]) < 0.5 * abs(alone.loss - whole.loss[-1])


def test_siblings_narrow_the_interval_before_the_decay(run):
    observed, sibling = run("wsd").until(0.6 * run.end), run("wsd", floor=2.3, seed=5)
    alone, transferred = forecast(observed, run.end), forecast(observed, run.end, [sibling])
    assert transferred.high - transferred.low < alone.high - alone.low


def test_siblings_change_nothing_where_the_rate_stays(run):
    observed, sibling = run("constant").until(0.6 * run.end), run("constant", floor=2.3, alpha=0.9, seed=5)
    assert forecast(observed, run.end, [sibling]).loss == pytest.approx(forecast(observed, run.end).loss, rel=1e-9)


def test_siblings_that_never_decayed_do_not_claim_to_know_the_drop(run):
    observed = run("wsd").until(0.6 * run.end)
    assert forecast(observed, run.end, [run("constant", floor=2.3)]).outcome.name == "DECAY_UNSEEN_PRIOR"
    assert forecast(observed, run.end, [run("wsd", floor=2.3)]).outcome.name == "DECAY_UNSEEN_SIBLINGS"


def test_the_same_schedule_is_more_alike_than_the_same_size(run):
    def sized(kind, params):
        c = run(kind)
        return Curve(c.tokens, c.loss, c.step, c.schedule, params=params)

    mine = sized("wsd", 10**8)
    assert likeness(mine, sized("wsd", 5 * 10**7), run.end) > likeness(mine, sized("linear", 10**8), run.end)


def test_a_sibling_too_short_to_replay_is_passed_over(run):
    observed, whole = run("wsd").until(0.6 * run.end), run("wsd")
    stub = whole.take(slice(0, 5))
    assert forecast(observed, run.end, [stub]).loss == forecast(observed, run.end).loss


def test_what_siblings_show_of_the_end_belongs_to_the_drop_and_not_to_the_next_step(run):
    observed, sibling = run("wsd", drop=0.25).until(0.6 * run.end), run("wsd", drop=0.28, floor=2.3, rise=0.55, seed=5)
    at = [0.62 * run.end, run.end]
    moved = forecast(observed, at, [sibling]).loss - forecast(observed, at).loss
    assert abs(moved[0]) < 0.02 * abs(moved[1])
