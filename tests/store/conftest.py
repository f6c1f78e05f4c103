"""A local store, and runs of a known law."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import Prediction, RunRecord
from lightning_scaling.run.schedule import Schedule
from lightning_scaling.store import open_recorder


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Short pauses, so that an outage is over in seconds; nothing is written outside the test's folder."""
    from lightning_scaling.store.journal import writer
    from lightning_scaling.store.mlflow import timeouts

    monkeypatch.setattr(writer, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(writer, "LONGEST_PAUSE", 0.3)
    monkeypatch.setattr(writer, "LINGER_SECONDS", 0.02)
    monkeypatch.setattr(timeouts, "REQUEST_SECONDS", 2)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def uri(empty_database: Path, tmp_path: Path) -> str:
    """A fresh local store."""
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path}/mlflow.db"


@pytest.fixture
def client(uri: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(uri)


@pytest.fixture
def server(mlflow_server: Any) -> Any:
    return mlflow_server


@pytest.fixture
def record() -> Callable[..., RunRecord]:
    return make_record


def make_record(key: str = "k", points: int = 20, params: int = 1_000_000, **fields: Any) -> RunRecord:
    """A run on L = 1.7 + 400/N^.34 + 410/D^.28, trained on 20 tokens a parameter."""
    step = np.arange(1, points + 1) * 10.0
    tokens = step * (2 * params // points)
    loss = (1.7 + 400 / params**0.34 + 410 / tokens**0.28).astype(np.float32).astype(np.float64)
    curve = Curve(tokens, loss, step, Schedule([0, 10, step[-1]], [0, 1e-3, 1e-4]), params, fields.pop("unique_tokens", None))
    end = int(tokens[-1])
    seen = Prediction(int(tokens[points // 2]), end, 3.0, 2.9, 3.1, "FORECAST", "CONTINUE", "it still falls")
    usual: dict[str, Any] = {"planned_tokens": end, "predictions": (seen,), "ended": True, "family": "gpt", "name": key}
    return RunRecord(key, curve, 6.0 * params * tokens, Conventions(), **{**usual, **fields})


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Records a run and waits for it; the id."""

    def write(uri: str, record: RunRecord, experiment: str = "sizes", status: str | None = "FINISHED", **options: Any) -> str:
        recorder = open_recorder(uri, record.key, experiment=experiment, run_name=record.name, spool_dir=tmp_path / "spool", **options)
        recorder.record(record)
        delivery = recorder.close(status, timeout=60)
        assert delivery.delivered, str(delivery)
        assert recorder.run_id is not None
        return recorder.run_id

    return write
