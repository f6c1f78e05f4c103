"""A training whose server is away, killed, paused or failing ends as if nothing were: one warning, and in the end every point once."""

import http.server
import json
import logging
import os
import signal
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from lightning_scaling import RunState
from lightning_scaling.callbacks import ScalingLawMonitor

EPOCHS, AWAY, BACK = 9, 3, 6


def spool():
    """The folder in which this test's trainings keep what a store did not take."""
    return Path(os.environ["LIGHTNING_SCALING_SPOOL"])


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Short pauses, so that an outage is over in seconds."""
    from lightning_scaling.store.journal import writer
    from lightning_scaling.store.mlflow import timeouts

    monkeypatch.setattr(writer, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(writer, "LONGEST_PAUSE", 0.3)
    monkeypatch.setattr(writer, "LINGER_SECONDS", 0.02)
    monkeypatch.setattr(timeouts, "REQUEST_SECONDS", 2)


@pytest.fixture(scope="module")
def fit(training):
    """Train with a monitor that writes to a store; `at` says what is done before which epoch."""
    from lightning.pytorch import Callback

    class Fate(Callback):
        def __init__(self, at):
            self.at = at

        def on_train_epoch_start(self, trainer, module):
            self.at.get(trainer.current_epoch, lambda: None)()

    def fit(folder, store, at=None):
        monitor = ScalingLawMonitor(store=store, summary=False)
        with pytest.MonkeyPatch.context() as patch:  # every validation is judged, so that two trainings record the same
            patch.setattr("lightning_scaling.monitor.budget.START", 1e9)
            patch.setattr("lightning_scaling.monitor.budget.MOST_AT_ONCE", 1e9)
            training.trainer(folder, [monitor, Fate(at or {})], max_epochs=EPOCHS).fit(
                training.model_class()(), training.loader(), training.loader(8, seed=1)
            )
        assert monitor.record.state is RunState.FINISHED
        assert monitor.record.tokens_trained == EPOCHS * 20 * training.LENGTH
        return monitor

    return fit


def history(store, key):
    """The points of the run's metrics as the store gives them, and the status it ended with."""
    from mlflow import MlflowClient

    client = MlflowClient(store)
    (run,) = client.search_runs([client.get_experiment_by_name("lightning-scaling").experiment_id], f"tags.`scaling.key` = '{key}'")
    metrics = {name: [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)] for name in run.data.metrics}
    return run.info.status, metrics


@pytest.fixture(scope="module")
def undisturbed(fit, quiet, new_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    store = new_store(folder)
    with quiet():
        expected = history(store, fit(folder, store).record.key)
    assert [step for step, _ in expected[1]["scaling/tokens"]] == [5 * n - 1 for n in range(1, EPOCHS + 1)]
    return expected


@pytest.fixture
def printed(caplog):
    caplog.set_level(logging.WARNING, "lightning_scaling.store")
    return lambda: [r.getMessage() for r in caplog.records if r.name == "lightning_scaling.store"]


@pytest.fixture
def outage_is_reported(printed, until):
    return lambda: until(lambda: any("does not answer; training continues" in sentence for sentence in printed()))


@pytest.fixture
def points_arrived(mlflow_server, until):
    """A function that waits until the server has the points of a running training."""
    from mlflow import MlflowClient

    def arrived():
        experiment = client.get_experiment_by_name("lightning-scaling")
        runs = client.search_runs([experiment.experiment_id], "attributes.status = 'RUNNING'") if experiment else []
        return any("scaling/tokens" in run.data.metrics for run in runs)

    client = MlflowClient(mlflow_server.uri)
    return lambda: until(arrived)


@pytest.fixture
def flushed():
    """Call `lightning-scaling flush` and see that nothing waits any more."""
    from lightning_scaling.cli import main

    def flush():
        done = CliRunner().invoke(main, ["flush"])
        assert done.exit_code == 0, done.output
        assert "entries delivered" in done.output
        assert not list(spool().iterdir())

    return flush


def reported_once_and_where_it_lies(printed):
    return ["does not answer; training continues" in s for s in printed] == [True, False] and "lightning-scaling flush" in printed[1]


@pytest.mark.slow
def test_a_server_that_comes_only_after_the_training_gets_everything(fit, undisturbed, mlflow_server, printed, flushed, tmp_path):
    mlflow_server.stop()
    try:
        monitor = fit(tmp_path, mlflow_server.uri)
    finally:
        mlflow_server.start()
    assert reported_once_and_where_it_lies(printed())
    flushed()
    assert history(mlflow_server.uri, monitor.record.key) == undisturbed


@pytest.mark.slow
def test_a_server_killed_in_the_middle_and_back_gets_everything(
    fit, undisturbed, mlflow_server, printed, points_arrived, outage_is_reported, tmp_path
):
    def kill():
        points_arrived()
        mlflow_server.stop()

    def back():
        outage_is_reported()
        mlflow_server.start()

    monitor = fit(tmp_path, mlflow_server.uri, {AWAY: kill, BACK: back})
    assert len(printed()) == 1
    assert history(mlflow_server.uri, monitor.record.key) == undisturbed


def test_a_server_paused_in_the_middle_gets_everything(
    fit, undisturbed, mlflow_server, printed, points_arrived, outage_is_reported, tmp_path
):
    def pause():
        points_arrived()
        mlflow_server.signal(signal.SIGSTOP)

    def go_on():
        outage_is_reported()
        mlflow_server.signal(signal.SIGCONT)

    try:
        monitor = fit(tmp_path, mlflow_server.uri, {AWAY: pause, BACK: go_on})
    finally:
        mlflow_server.signal(signal.SIGCONT)
    assert len(printed()) == 1
    assert history(mlflow_server.uri, monitor.record.key) == undisturbed


class Door(http.server.BaseHTTPRequestHandler):
    """Hands every request on to the real server, or answers 500 while its server is `shut`."""

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, content = (500, b"") if self.server.shut else self.real(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def real(self, body):
        kind = {"Content-Type": self.headers["Content-Type"]} if body else {}
        asked = urllib.request.Request(self.server.real + self.path, body or None, kind, method=self.command)
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    do_GET = do_POST = do_PATCH = do_PUT = answer  # noqa: N815 - the names http.server calls

    def log_message(self, *_):
        pass


@pytest.fixture
def door(mlflow_server):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        server.real, server.shut = mlflow_server.uri, False
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_a_server_that_answers_500_to_the_end_gets_everything_later(fit, undisturbed, door, printed, points_arrived, flushed, tmp_path):
    def shut():
        points_arrived()
        door.shut = True

    store = f"http://127.0.0.1:{door.server_port}"
    monitor = fit(tmp_path, store, {AWAY: shut})
    assert reported_once_and_where_it_lies(printed())
    door.shut = False
    flushed()
    assert history(store, monitor.record.key) == undisturbed


@pytest.mark.slow
def test_two_trainings_write_to_one_database_at_the_same_time(run_scripts, new_store, tmp_path):
    folders = [tmp_path / name for name in ("lone", "one", "two")]
    for folder in folders:
        folder.mkdir()
    alone, shared = new_store(folders[0]), new_store(tmp_path)
    asked = "--epochs", 20
    assert run_scripts([folders[0], "--store", alone, *asked]) == [0]
    assert run_scripts(*([folder, "--store", shared, *asked] for folder in folders[1:])) == [0, 0]
    keys = [json.loads((folder / "reported-0.json").read_text())["key"] for folder in folders]
    expected = history(alone, keys[0])
    assert len(expected[1]["scaling/tokens"]) == 20
    assert [history(shared, key) for key in keys[1:]] == [expected, expected]
