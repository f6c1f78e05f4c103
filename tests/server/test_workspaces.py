"""Workspaces of MLflow 3: recording and reading honour MLFLOW_WORKSPACE; the page shows the default one, as docs/store.md says."""

import pytest

from lightning_scaling.store import load, open_recorder

pytest.importorskip("mlflow.utils.workspace_context", reason="this MLflow has no workspaces")


@pytest.mark.slow
def test_runs_go_to_the_named_workspace_and_the_page_shows_the_default_one(serving_at, ask, make_run, tmp_path, monkeypatch):
    import mlflow

    with serving_at(f"sqlite:///{tmp_path}/mlflow.db", tmp_path, "--enable-workspaces") as server:
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
        for headers in ({}, {"X-MLFLOW-WORKSPACE": "team"}):
            shown = ask(f"{server}/scaling/data/experiments", **headers)[2].decode()
            assert "of default" in shown
            assert "of team" not in shown
