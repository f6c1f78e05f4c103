"""Readings change only when the new value has held."""

import json
from dataclasses import replace

import pytest

from lightning_scaling.advice import AddData, Advice, PlateauCall, Readings, Reason, Verdict
from lightning_scaling.advice.readings import Held, Hysteresis

NO = (AddData.NO, "a doubling brings .1 %")
CALL = PlateauCall(60.0, 4e-4, 1e-3, 40.0)


def advice(verdict=Verdict.CONTINUE, plateau=None, probability=0.1, data=NO):
    return Advice(verdict, Reason.STILL_GAINING, "because", plateau=plateau, plateau_probability=probability, weigh_data=lambda: data)


def test_a_value_that_returns_at_once_is_no_change():
    held = Held("CONTINUE", hold=0.1)
    assert [held.update(v, t, 100) for v, t in (("STOP", 50), ("CONTINUE", 55), ("STOP", 58), ("STOP", 65))] == [None] * 4
    assert held.update("STOP", 68, 100) == "STOP"


def test_each_change_is_one_line_once():
    readings = Readings(hold=0.0)
    first = readings.update(advice(), 10, 100)
    assert [(each.reading, each.value) for each in first] == [("verdict", "CONTINUE"), ("add_data", "NO")]
    assert first[1].line == "keep adding data? NO: a doubling brings .1 %"
    assert readings.update(advice(), 11, 100) == ()


def test_a_plateau_is_flagged_then_and_there_and_once():
    readings = Readings()
    (called,) = [each for each in readings.update(advice(plateau=CALL, probability=0.95), 60, 100) if each.reading == "plateau"]
    assert (called.value, called.line, called.tokens) == ("called", str(CALL), 60)
    assert not any(each.reading == "plateau" for each in readings.update(advice(plateau=CALL, probability=0.99), 61, 100))


def test_a_plateau_is_withdrawn_only_when_it_has_become_unlikely():
    readings = Readings(hold=0.02)
    readings.update(advice(plateau=CALL, probability=0.95), 60, 100)
    likely = [readings.update(advice(probability=0.7), tokens, 100) for tokens in (61, 64, 68)]
    assert not any(each.reading == "plateau" for found in likely for each in found)
    changes = [each for tokens in (69, 72) for each in readings.update(advice(probability=0.2), tokens, 100)]
    assert [(each.reading, each.value) for each in changes if each.reading == "plateau"] == [("plateau", "withdrawn")]
    assert "20 %" in next(each.line for each in changes if each.reading == "plateau")


def test_an_unknown_probability_withdraws_nothing():
    readings = Readings(hold=0.0)
    readings.update(advice(plateau=CALL, probability=0.95), 60, 100)
    assert not any(each.reading == "plateau" for each in readings.update(advice(probability=float("nan")), 70, 100))


def test_the_state_survives_a_checkpoint():
    readings, resumed = Readings(), Readings()
    readings.update(advice(Verdict.STOP, plateau=CALL, probability=0.95), 60, 100)
    resumed.load_state_dict(json.loads(json.dumps(readings.state_dict())))
    follow = advice(Verdict.STOP, plateau=replace(CALL, tokens=63.0), probability=0.95)
    assert resumed.update(follow, 63, 100) == readings.update(follow, 63, 100) != ()


def test_a_state_of_another_version_is_refused():
    with pytest.raises(ValueError, match="version 9"):
        Readings().load_state_dict({"version": 9})


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
