"""Whatever the store does, training continues: one warning, nothing lost while the disk holds, everything delivered once in the end."""

import http.server
import logging
import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lightning_scaling.store import Recorder, deliver, open_recorder

LOSS = "scaling/val_loss"


@pytest.fixture
def steps(server: Any) -> Callable[[str | None], list[int]]:
    from mlflow import MlflowClient

    return lambda run_id: [m.step for m in MlflowClient(server.uri).get_metric_history(run_id, LOSS)]


@pytest.fixture
def train(until: Callable[..., None]) -> Callable[[Recorder, range], None]:
    def record(recorder: Recorder, steps: range) -> None:
        for step in steps:
            recorder.metrics({LOSS: 5.0 - step / 100}, step)
            recorder.tags({"scaling.verdict": "CONTINUE"})

    def train(recorder: Recorder, steps: range) -> None:
        """Calls that waited for a store that does not answer would never come to their end."""
        calls = threading.Thread(target=record, args=(recorder, steps), daemon=True)
        calls.start()
        until(lambda: not calls.is_alive())

    return train


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.WARNING, "lightning_scaling.store")
    return lambda: [r.getMessage() for r in caplog.records if r.name == "lightning_scaling.store"]


def dead_uri() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_a_server_that_was_never_there_keeps_everything_on_disk(train: Any, warned: Any, tmp_path: Path, until: Any) -> None:
    recorder = open_recorder(dead_uri(), "key", experiment="sizes", spool_dir=tmp_path / "spool")
    train(recorder, range(1, 101))
    until(lambda: recorder.warnings)
    delivery = recorder.close()
    assert (delivery.delivered, delivery.waiting, delivery.lost) == (False, 202, 0)
    assert delivery.spool.parent == tmp_path / "spool"
    assert len(warned()) == 2
    assert "does not answer; training continues" in warned()[0]
    assert "lightning-scaling flush" in warned()[1]


def test_a_server_killed_and_back_gets_every_point_once(server: Any, train: Any, warned: Any, steps: Any, until: Any) -> None:
    recorder = open_recorder(server.uri, "killed", experiment="sizes")
    train(recorder, range(1, 11))
    until(lambda: recorder.run_id)
    server.stop()
    train(recorder, range(11, 21))
    until(lambda: recorder.warnings)
    server.start()
    train(recorder, range(21, 31))
    assert recorder.close(timeout=60).delivered
    assert steps(recorder.run_id) == list(range(1, 31))
    assert len(warned()) == 1


def test_a_paused_server_blocks_nobody_and_gets_every_point(server: Any, train: Any, warned: Any, steps: Any, until: Any) -> None:
    recorder = open_recorder(server.uri, "paused", experiment="sizes")
    until(lambda: recorder.run_id)
    server.signal(signal.SIGSTOP)
    try:
        train(recorder, range(1, 21))
        until(lambda: recorder.warnings)
        delivery = recorder.close(timeout=0.5)  # the server is still stopped when it returns
        assert not delivery.delivered
    finally:
        server.signal(signal.SIGCONT)
    until(lambda: not recorder._writer._thread.is_alive())  # the process that hung delivers by itself once the server answers
    deliver(delivery.spool.parent)
    assert steps(recorder.run_id) == list(range(1, 21))
    assert len(warned()) == 2


def test_a_run_deleted_on_the_way_ends_quietly_and_can_be_restored(server: Any, train: Any, warned: Any, steps: Any, until: Any) -> None:
    from mlflow import MlflowClient

    recorder = open_recorder(server.uri, "deleted", experiment="sizes")
    until(lambda: recorder.run_id)
    MlflowClient(server.uri).delete_run(recorder.run_id)
    train(recorder, range(1, 11))
    delivery = recorder.close()
    assert "deleted" in str(delivery)
    MlflowClient(server.uri).restore_run(recorder.run_id)
    assert all(d.delivered for d in deliver(delivery.spool.parent))
    assert steps(recorder.run_id) == list(range(1, 11))


class Refusing(http.server.BaseHTTPRequestHandler):
    """Answers every request with the status in its server's `status`."""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_PATCH = answer  # noqa: N815 - the names http.server calls

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def refusing() -> Iterator[Any]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_a_server_that_answers_errors_is_one_warning(status: int, refusing: Any, train: Any, warned: Any, tmp_path: Path) -> None:
    refusing.status = status
    recorder = open_recorder(f"http://user:secret@127.0.0.1:{refusing.server_port}", "key", experiment="sizes")
    train(recorder, range(1, 11))
    delivery = recorder.close(timeout=5)
    assert (delivery.waiting, delivery.lost) == (22, 0)
    assert len(warned()) == 2
    assert not any("secret" in sentence for sentence in warned())


def test_a_locked_database_gets_every_point_once_it_is_free(uri: str, client: Any, train: Any, until: Any) -> None:
    recorder = open_recorder(uri, "key", experiment="sizes")
    until(lambda: recorder.run_id)
    with sqlite3.connect(uri.removeprefix("sqlite:///"), isolation_level=None) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        train(recorder, range(1, 11))
        time.sleep(0.3)
        lock.execute("COMMIT")
    lock.close()
    assert recorder.close(timeout=60).delivered
    assert [m.step for m in client.get_metric_history(recorder.run_id, LOSS)] == list(range(1, 11))


def test_a_database_that_cannot_be_made_keeps_everything_on_disk(train: Any, warned: Any, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    recorder = open_recorder("sqlite:///taken/mlflow.db", "key", experiment="sizes")
    train(recorder, range(1, 11))
    assert (recorder.close().waiting, recorder.lost, len(warned())) == (22, 0, 2)


def test_where_the_spool_folder_cannot_be_made_a_private_one_is(train: Any, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")  # root may write into read-only folders, not into files
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    recorder = open_recorder(dead_uri(), "key", experiment="sizes", spool_dir=tmp_path / "taken")
    train(recorder, range(1, 11))
    delivery = recorder.close()
    assert delivery.spool.parent.parent == tmp_path / "tmp"
    assert delivery.spool.parent.stat().st_mode & 0o777 == 0o700


def test_without_any_disk_a_living_store_gets_everything(uri: str, client: Any, train: Any, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "taken").write_text("")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "taken"))
    recorder = open_recorder(uri, "key", experiment="sizes", spool_dir=tmp_path / "taken")
    train(recorder, range(1, 11))
    assert recorder.close(timeout=60).delivered
    assert [m.step for m in client.get_metric_history(recorder.run_id, LOSS)] == list(range(1, 11))


def test_without_disk_and_store_the_loss_is_counted_and_said_once(train: Any, warned: Any, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "taken").write_text("")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "taken"))
    recorder = open_recorder(dead_uri(), "key", experiment="sizes", spool_dir=tmp_path / "taken")
    train(recorder, range(1, 11))
    delivery = recorder.close()
    assert (delivery.waiting, delivery.lost) == (0, 22)
    assert "are lost" in warned()[-1]
    assert len(warned()) == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full to stand for a full disk")
def test_a_full_disk_is_no_loss_while_the_store_answers(uri: str, client: Any, train: Any, until: Any) -> None:
    recorder = open_recorder(uri, "key", experiment="sizes")
    until(lambda: recorder.run_id)
    spool = recorder._writer.backlog.disk  # type: ignore[union-attr]
    os.close(spool._file)
    spool._file = os.open("/dev/full", os.O_RDWR | os.O_APPEND)  # every write fails with ENOSPC, as on a full disk
    train(recorder, range(1, 11))
    assert recorder.close(timeout=60).delivered
    assert [m.step for m in client.get_metric_history(recorder.run_id, LOSS)] == list(range(1, 11))
