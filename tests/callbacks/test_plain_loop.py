"""RunMonitor in a loop without any trainer: a few lines count, judge, stop, resume."""

import copy
import json
import pickle
from itertools import pairwise

import pytest
import torch
from torch import nn

from lightning_scaling.monitor.run_monitor import RunMonitor
from lightning_scaling.run.record import RunState

PARAMS, BATCH = 1000, 32


def monitor(**options):
    return RunMonitor(**{"params": PARAMS, "summary": False, **options})


def falling(tokens):
    return 2 + 40 / tokens**0.5


def trained(run, steps, every=20, **more):
    """Steps with a validation now and then."""
    for _ in range(steps):
        run.step(tokens=BATCH, lr=1e-3, **more)
        if run.progress.rates.steps % every == 0:
            run.validated(falling(run.progress.rates.steps * BATCH))
    return run


def test_a_loop_that_reports_tokens_is_counted_and_judged(judged_at_once):
    with monitor(token_budget=400 * BATCH) as run:
        trained(run, 200)
    assert run.record.tokens_trained == 200 * BATCH
    assert run.record.flops_spent == 6 * PARAMS * 200 * BATCH
    assert run.record.state is RunState.FINISHED
    assert run.judgement.at == 400 * BATCH
    assert run.forecast.low < run.forecast.loss < run.forecast.high


def test_batches_are_counted_from_their_shapes():
    run = RunMonitor(model=nn.Embedding(10, 4), summary=False)
    for rows in (4, 4, 3):
        run.step(batch=torch.zeros(rows, 8, dtype=torch.long), lr=0.1)
    run.close()
    assert run.record.tokens_trained == 11 * 8
    assert run.record.flops_spent == 6 * 40 * 11 * 8


def test_a_validation_answers_with_its_judgement(judged_at_once):
    run = monitor(token_budget=1e5)
    run.step(tokens=BATCH, lr=1e-3)
    judgement = run.validated(3.0)
    assert judgement is run.judgement
    assert judgement.advice.verdict.name == "TOO_EARLY"


def _fails(run):
    with run:
        trained(run, 40)
        raise KeyError


def test_an_error_leaves_the_run_interrupted():
    run = monitor()
    with pytest.raises(KeyError):
        _fails(run)
    assert run.record.state is not RunState.FINISHED
    assert run.record.tokens_trained == 40 * BATCH


def test_a_resume_keeps_counts_curve_and_identity():
    whole, first = trained(monitor(), 200), trained(monitor(), 110)
    state = json.loads(json.dumps(first.state_dict()))
    second = monitor()
    second.load_state_dict(state)
    trained(second, 90)
    assert second.record.tokens_trained == whole.record.tokens_trained
    assert second.curve.tokens.tolist() == whole.curve.tokens.tolist()
    assert second.record.key == first.record.key


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda run: pickle.loads(pickle.dumps(run))], ids=["deepcopy", "pickle"])
def test_a_copy_reads_as_the_run_and_continues_it(copied, judged_at_once, tmp_path):
    run = trained(monitor(token_budget=400 * BATCH, model=nn.Linear(3, 3), params="total", store=f"{tmp_path}/runs/"), 200)
    other = copied(run)
    assert run.forecast.low < run.forecast.high
    for reading in ("forecast", "advice", "power_law"):
        assert repr(getattr(other, reading)) == repr(getattr(run, reading))
    assert other.record.to_json() == run.record.to_json()
    run.interrupt(RuntimeError("gone"))
    trained(other, 100).close()
    straight = trained(monitor(token_budget=400 * BATCH, model=nn.Linear(3, 3), params="total"), 300)
    assert other.record.tokens_trained == straight.record.tokens_trained
    assert other.record.flops_spent == straight.record.flops_spent
    assert other.curve.schedule.step.tolist() == straight.curve.schedule.step.tolist()


def test_a_begun_run_cannot_be_resumed():
    run = trained(monitor(), 1)
    with pytest.raises(ValueError, match="before its first step"):
        run.load_state_dict(run.state_dict())


def test_the_training_loss_is_followed_under_its_own_name():
    run = monitor()
    with pytest.warns(UserWarning, match="the smoothed training loss is followed"):
        trained(run, 100, every=1000, loss=9.0)
    assert run.record.conventions.loss == "train_loss"
    assert len(run.curve.tokens) > 5


def test_a_validation_loss_ends_the_curve_of_the_training_loss():
    run = monitor()
    with pytest.warns(UserWarning, match="the smoothed training loss is followed"):
        trained(run, 50, every=1000, loss=9.0)
    run.validated(2.5)
    trained(run, 50, every=25, loss=9.0)
    assert run.record.conventions.loss == "val_loss"
    assert 9.0 not in run.curve.loss


def test_a_resumed_validation_curve_takes_no_training_losses():
    first = trained(monitor(), 100)
    run = trained(monitor(state=first.state_dict()), 100, every=200, loss=9.0)
    assert 9.0 not in run.curve.loss


@pytest.mark.parametrize(("options", "step"), [({"params": "total"}, {"tokens": 1}), ({}, {})])
def test_what_is_not_known_is_refused_at_the_first_step(options, step):
    with pytest.raises(ValueError, match=r"is not known|needs tokens"):
        monitor(**options).step(lr=0.1, **step)


def test_a_verdict_ends_the_loop(monkeypatch, judged_at_once):
    monkeypatch.setattr("lightning_scaling.monitor.stopping.Stopper.decide", lambda *_: True)
    run = monitor(stop=True, token_budget=1e5)
    run.step(tokens=BATCH)
    run.validated(3.0)
    assert run.should_stop


def test_a_verdict_is_heard_when_it_changes(judged_at_once):
    heard = []
    trained(monitor(on_verdict=heard.append, token_budget=400 * BATCH), 300, every=6).close()
    verdicts = [advice.verdict.name for advice in heard]
    assert "CONTINUE" in verdicts
    assert all(before != after for before, after in pairwise(verdicts))
