"""The same code on a team's database."""

from collections.abc import Callable
from typing import Any

import pytest

from lightning_scaling.run.record import RunRecord, RunState
from lightning_scaling.store import load, open_recorder


def test_a_run_is_written_resumed_and_read(postgres: Callable[[str], str] | None, record: Callable[..., RunRecord]) -> None:
    from mlflow import MlflowClient

    if postgres is None:
        pytest.skip("no PostgreSQL on this machine (apt-get install postgresql)")
    uri = postgres("store")

    for steps in (range(1, 21), range(11, 31)):
        recorder = open_recorder(uri, "k", experiment="sizes", run_name="k")
        for step in steps:
            recorder.metrics({"scaling/val_loss": 5.0 - step / 100}, step)
        recorder.record(record())
        assert recorder.close(timeout=60).delivered
    (run,) = load(uri, "sizes").records
    assert (run.to_json(), run.state) == (record().to_json(), RunState.FINISHED)
    points: list[Any] = MlflowClient(uri).get_metric_history(run.run_id, "scaling/val_loss")
    assert sorted(m.step for m in points) == list(range(1, 31))
