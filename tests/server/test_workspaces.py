"""Workspaces of MLflow 3: recording and reading honour MLFLOW_WORKSPACE; the page shows the default one, as docs/store.md says."""

import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from lightning_scaling.store import load, open_recorder

pytest.importorskip("mlflow.utils.workspace_context", reason="this MLflow has no workspaces")


@pytest.fixture
def server(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        free_port = free.getsockname()[1]
    words = ["--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--artifacts-destination", str(tmp_path / "artifacts")]
    words += ["--port", str(free_port), "--workers", "1", "--app-name", "lightning-scaling", "--enable-workspaces"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *words], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    yield f"http://127.0.0.1:{free_port}"
    os.killpg(process.pid, 15)
    process.wait(30)


def answers(url, header=None):
    with urllib.request.urlopen(urllib.request.Request(url, headers=header or {}), timeout=30) as answer:
        return answer.read().decode()


@pytest.mark.slow
def test_runs_go_to_the_named_workspace_and_the_page_shows_the_default_one(server, make_run, tmp_path, monkeypatch):
    import mlflow

    end = time.monotonic() + 120
    while True:
        try:
            answers(f"{server}/health")
            break
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.1)
    mlflow.set_tracking_uri(server)
    try:
        mlflow.create_workspace("team")
    finally:
        mlflow.set_tracking_uri(None)
    for workspace in ("default", "team"):
        monkeypatch.setenv("MLFLOW_WORKSPACE", workspace)
        recorder = open_recorder(server, workspace, experiment=f"of {workspace}", run_name=workspace, spool_dir=tmp_path / "spool")
        recorder.record(make_run(1_000_000, 20))
        assert recorder.close(timeout=60).delivered
        assert [run.experiment for run in load(server)] == [f"of {workspace}"]
    for header in ({}, {"X-MLFLOW-WORKSPACE": "team"}):
        shown = answers(f"{server}/scaling/data/experiments", header)
        assert "of default" in shown
        assert "of team" not in shown
