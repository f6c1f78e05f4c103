"""What a checkpoint keeps of a run comes back as it was."""

import json

import pytest

from lightning_scaling import Prediction
from lightning_scaling.monitor.progress import MOST_PREDICTIONS, Progress


def trained():
    run = Progress()
    for n in range(1, 6):
        run.ledger.add(10**17 + n, 6 * 10**20)
        run.ledger.sync()
        run.rates.note(0.1 / n)
        run.predict(Prediction(run.ledger.tokens, 10**18, 2.0, 1.9, 2.1, "FORECAST", "CONTINUE", "because"))
        run.mark(3.0 - 0.1 * n)
    run.run_ids, run.stopping = {"sqlite:///a.db": "abc"}, {"verdict": "STOP", "flops": 7, "times": 2}
    return run


def test_state_round_trips_through_json():
    run = trained()
    assert Progress.restored(json.loads(json.dumps(run.state()))).state() == run.state()


def test_state_round_trips_through_a_safe_torch_checkpoint(tmp_path):
    import torch

    run = trained()
    torch.save(run.state(), tmp_path / "run.ckpt")
    assert Progress.restored(torch.load(tmp_path / "run.ckpt", weights_only=True)).state() == run.state()


def test_a_state_of_version_1_is_read_without_its_sums_of_rates():
    now = trained().state()
    before = now | {"version": 1, "points": [[*p[:3], 0.1, *p[3:]] for p in now["points"]], "rates": now["rates"] | {"sum": 0.5}}
    assert Progress.restored(before).state() == now


def test_a_newer_state_is_refused_in_one_line():
    with pytest.raises(ValueError, match="version 99"):
        Progress.restored(trained().state() | {"version": 99})


def test_a_forecast_at_the_same_tokens_replaces_the_old_one():
    run = trained()
    again = Prediction(run.predictions[-1].tokens, 10**18, 1.0, 0.9, 1.1)
    run.predict(again)
    assert [p.loss for p in run.predictions].count(1.0) == 1
    assert len(run.predictions) == 5


def test_forecasts_are_bounded_in_number():
    run = Progress()
    for tokens in range(1, 3 * MOST_PREDICTIONS):
        run.predict(Prediction(tokens, 10**6, 2.0, 1.9, 2.1))
    assert len(run.predictions) == MOST_PREDICTIONS
    assert run.predictions[-1].tokens == 3 * MOST_PREDICTIONS - 1


def test_every_run_has_a_key_of_its_own():
    assert Progress().key != Progress().key
