"""A local database made once and copied, a real `mlflow server` that can be stopped and paused, and runs of a known law."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightning_scaling.conventions import Conventions
from lightning_scaling.curve import Curve
from lightning_scaling.record import Prediction, RunRecord
from lightning_scaling.schedule import Schedule
from lightning_scaling.store import Recorder

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Short pauses, so that an outage is over in seconds; nothing is written outside the test's folder."""
    from lightning_scaling.store import patience, writer

    monkeypatch.setattr(writer, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(writer, "LONGEST_PAUSE", 0.3)
    monkeypatch.setattr(writer, "LINGER_SECONDS", 0.02)
    monkeypatch.setattr(patience, "REQUEST_SECONDS", 2)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from lightning_scaling.store.client import connect
    from lightning_scaling.store.patience import impatient

    file = tmp_path_factory.mktemp("database") / "mlflow.db"
    with impatient():
        connect(f"sqlite:///{file}")
    return file


@pytest.fixture
def uri(empty_database: Path, tmp_path: Path) -> str:
    """A fresh local store."""
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path}/mlflow.db"


@pytest.fixture
def client(uri: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(uri)


class Server:
    """`mlflow server` on loopback: start, stop, pause, go on."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri, self.folder = f"http://127.0.0.1:{self.port}", folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        store = ["--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db", "--artifacts-destination", str(self.folder / "files")]
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        command = [sys.executable, "-m", "mlflow", "server", *store, *where]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)
        for _ in range(300):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.uri}/health", timeout=2).close()
                return
            time.sleep(0.2)
        raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def signal(self, number: int) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def stop(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGCONT)
                self.signal(signal.SIGKILL)
            self.process.wait(20)
            self.process = None


@pytest.fixture(scope="session")
def server(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(empty_database, folder / "mlflow.db")
    server = Server(folder)
    server.start()
    yield server
    server.stop()


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
        recorder = Recorder(uri, experiment, record.name, tmp_path / "spool")
        recorder.open(record.key, **options)
        recorder.record(record)
        delivery = recorder.close(status, timeout=60)
        assert delivery.delivered, str(delivery)
        assert recorder.run_id is not None
        return recorder.run_id

    return write


def eventually(true: Callable[[], Any], seconds: float = 30.0) -> None:
    """Waits until `true()` holds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


@pytest.fixture
def until() -> Callable[..., None]:
    return eventually
