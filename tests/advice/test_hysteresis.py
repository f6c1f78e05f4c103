"""A verdict acts when it has held over some compute."""

import json

import pytest

from lightning_scaling.advice import Verdict
from lightning_scaling.advice.hysteresis import Hysteresis


def test_one_verdict_alone_never_acts():
    assert not Hysteresis(["STOP"]).update(Verdict.STOP, 1e9, 1e9)


def test_a_verdict_that_holds_acts():
    state = Hysteresis(["STOP"], hold=0.1)
    assert [state.update("STOP", tokens, 100) for tokens in (50, 55, 60)] == [False, False, True]


def test_evaluating_more_often_does_not_act_sooner():
    def acted(step):
        state, tokens = Hysteresis(["STOP"], hold=0.1), 50.0
        while not state.update("STOP", tokens, 100):
            tokens += step
        return tokens

    assert acted(0.5) == acted(5) == 60


def test_another_verdict_starts_the_count_again():
    state = Hysteresis(["STOP"], hold=0.1)
    given = [("STOP", 50), ("CONTINUE", 58), ("STOP", 61), ("STOP", 70)]
    assert not any(state.update(verdict, tokens, 100) for verdict, tokens in given)


def test_a_verdict_that_was_not_chosen_never_acts():
    state = Hysteresis(["STOP"], hold=0)
    assert not any(state.update("GROW", tokens, 100) for tokens in (10, 90))


def test_going_back_to_a_checkpoint_counts_from_there():
    state = Hysteresis(["STOP"], hold=0.1)
    state.update("STOP", 80, 100)
    assert not state.update("STOP", 50, 100)
    assert state.update("STOP", 60, 100)


def test_the_state_goes_through_a_checkpoint():
    state, resumed = Hysteresis(["STOP"], hold=0.1), Hysteresis(["STOP"], hold=0.1)
    state.update("STOP", 50, 100)
    resumed.load_state_dict(json.loads(json.dumps(state.state_dict())))
    assert resumed.update("STOP", 60, 100)


def test_misuse_is_refused_in_words():
    with pytest.raises(ValueError, match="no verdict 'HALT'"):
        Hysteresis(["HALT"])
    with pytest.raises(ValueError, match="hold is the share"):
        Hysteresis(hold=1.5)
    with pytest.raises(ValueError, match="version 9"):
        Hysteresis().load_state_dict({"version": 9})
