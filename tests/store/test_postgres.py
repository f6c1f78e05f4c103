"""The same code on a team's database."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lightning_scaling.record import RunRecord, RunState
from lightning_scaling.store import Recorder, load

CONTROL = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")) or [Path(p) for p in [shutil.which("pg_ctl")] if p]


@pytest.fixture
def postgres() -> Iterator[str]:
    """A PostgreSQL of its own; root starts it as the user postgres."""
    pytest.importorskip("psycopg2")
    if not CONTROL:
        pytest.skip("no PostgreSQL on this machine")
    folder = Path(tempfile.mkdtemp())  # not pytest's folder: the user postgres may not enter that
    as_user: list[str] = []
    if os.geteuid() == 0:
        as_user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        subprocess.run([*as_user, str(CONTROL[-1].with_name(program)), *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)

    run("initdb", "-D", f"{folder}/db", "-U", "postgres", "-A", "trust", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run("pg_ctl", "-D", f"{folder}/db", "-w", "-l", f"{folder}/log", "-o", options, "start")
    yield f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres"
    with contextlib.suppress(subprocess.CalledProcessError):
        run("pg_ctl", "-D", f"{folder}/db", "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


def test_a_run_is_written_resumed_and_read(postgres: str, record: Callable[..., RunRecord]) -> None:
    from mlflow import MlflowClient

    for steps in (range(1, 21), range(11, 31)):
        recorder = Recorder(postgres, "sizes", "k")
        recorder.open("k")
        for step in steps:
            recorder.metrics({"scaling/val_loss": 5.0 - step / 100}, step)
        recorder.record(record())
        assert recorder.close(timeout=60).delivered
    (run,) = load(postgres, "sizes").records
    assert (run.to_json(), run.state) == (record().to_json(), RunState.FINISHED)
    points: list[Any] = MlflowClient(postgres).get_metric_history(run.run_id, "scaling/val_loss")
    assert sorted(m.step for m in points) == list(range(1, 31))
