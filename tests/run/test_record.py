"""A record survives its JSON form unchanged, and other documents are refused."""

import json

import numpy as np
import pytest

from lightning_scaling import Curve, Prediction, RunRecord, RunState, Schedule
from lightning_scaling.run.conventions import Conventions


def record() -> RunRecord:
    schedule = Schedule([0, 10, 100], [0.0, 1.0, 0.1])
    curve = Curve(
        [10, 20, 30],
        [3.0, np.nan, 2.0],
        step=[1, 2, 3],
        schedule=schedule,
        params=7,
        unique_tokens=25,
        averaged_loss=[np.nan, 2.2, 1.9],
        optimizer_steps=True,
    )
    made = Prediction(tokens=20, at=100, loss=1.5, low=1.4, high=1.6, outcome="clean", verdict="CONTINUE", because="more to come")
    counted = Conventions(params="non_embedding", flops="6N", loss="val_loss [nats/byte]", tokenizer="bytes")
    return RunRecord("k", curve, 42.0 * curve.tokens, counted, {"other": 7}, 100, (made,), True, RunState.FINISHED, "a", "family")


def test_json_brings_the_same_record_back():
    before = record()
    after = RunRecord.from_json(json.loads(json.dumps(before.to_json(), allow_nan=False)), state=RunState.FINISHED)
    assert after.to_json() == before.to_json()
    assert after.state is RunState.FINISHED
    assert np.isnan(after.curve.loss[1])
    np.testing.assert_array_equal(after.curve.averaged_loss, [np.nan, 2.2, 1.9])
    assert after.curve.optimizer_steps


def test_a_record_from_before_averaged_losses_is_read():
    old = record().to_json()
    del old["averaged_loss"], old["optimizer_steps"]
    assert RunRecord.from_json(old).curve.averaged_loss is None


def test_the_last_finite_loss_and_what_was_spent_are_read_from_the_curve():
    assert (record().loss, record().tokens, record().spent) == (2.0, 30.0, 42.0 * 30)


@pytest.mark.parametrize("document", [{}, {"schema": 99}, [], {"schema": "1"}])
def test_a_foreign_document_is_one_clear_error(document):
    with pytest.raises(ValueError, match="not a run record of schema 1"):
        RunRecord.from_json(document)
