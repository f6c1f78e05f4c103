"""A small file system that gets full, or may not be written: nothing is raised, and what found no place is reported once."""

import logging
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightning_scaling.store import Recorder, open_recorder

LOSS = "scaling/val_loss"


def fill(folder: Path) -> Path:
    """Take all that is left of the file system's room."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue
    return filler


def dead_uri() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def train(recorder: Recorder, steps: range) -> None:
    for step in steps:
        recorder.metrics({LOSS: 5.0 - step / 100}, step)


def test_what_a_full_disk_did_not_take_reaches_it_once_there_is_room(small_disk: Path, until: Callable[..., None]) -> None:
    recorder = open_recorder(dead_uri(), "key", experiment="sizes", spool_dir=small_disk / "spool")
    train(recorder, range(1, 11))
    until(lambda: recorder.warnings and not recorder.pending())
    filler = fill(small_disk)
    train(recorder, range(11, 2011))
    assert recorder.pending()
    filler.unlink()
    until(lambda: not recorder.pending())
    delivery = recorder.close(timeout=1)
    assert (delivery.waiting, delivery.lost) == (2012, 0)
    assert delivery.spool.read_text().count('"kind":"metrics"') == 2010


def test_a_disk_that_stays_full_loses_what_is_said_and_keeps_what_it_had(
    small_disk: Path, until: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "lightning_scaling.store")
    recorder = open_recorder(dead_uri(), "key", experiment="sizes", spool_dir=small_disk / "spool")
    train(recorder, range(1, 11))
    until(lambda: recorder.warnings and not recorder.pending())
    fill(small_disk)
    train(recorder, range(11, 2011))
    delivery = recorder.close(timeout=1)
    assert delivery.waiting >= 11
    assert delivery.lost > 0
    assert delivery.waiting + delivery.lost == 2012
    assert delivery.spool.read_bytes().endswith(b"\n")
    assert [f"{delivery.lost} entries of run key are lost" in r.getMessage() for r in caplog.records] == [False, True]
    assert any(words in str(delivery) for words in ("No space left", "the disk took"))


def test_a_database_on_a_full_disk_gets_every_point_once_there_is_room(
    small_disk: Path, empty_database: Path, tmp_path: Path, until: Callable[..., None]
) -> None:
    from mlflow import MlflowClient

    (small_disk / "mlflow.db").write_bytes(empty_database.read_bytes())
    uri = f"sqlite:///{small_disk}/mlflow.db"
    recorder = open_recorder(uri, "key", experiment="sizes", spool_dir=tmp_path / "spool")
    until(lambda: recorder.run_id)
    filler = fill(small_disk)
    train(recorder, range(1, 1001))
    until(lambda: recorder.warnings)
    filler.unlink()
    assert recorder.close(timeout=60).delivered
    history: Any = MlflowClient(uri).get_metric_history(recorder.run_id or "", LOSS)
    assert [m.step for m in history] == list(range(1, 1001))


def test_a_read_only_folder_sends_the_journal_to_a_private_one(small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Really read-only, for root too."""
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    recorder = open_recorder(f"sqlite:///{small_disk}/mlflow.db", "key", experiment="sizes", spool_dir=small_disk / "spool")
    train(recorder, range(1, 11))
    delivery = recorder.close(timeout=2)
    assert (delivery.waiting, delivery.lost) == (12, 0)
    assert delivery.spool.parent.parent == tmp_path / "tmp"
