"""A database of another MLflow version is named and left as it is; a library that does not load is no outage."""

import hashlib
import logging
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from lightning_scaling.store import StoreUnusable, load, open_recorder
from lightning_scaling.store.mlflow import schema


def revision(age: str) -> str:
    """A schema that is not the one of the MLflow installed here."""
    return schema._revisions()[1] if age == "older" else "ffffffffffff"


@pytest.fixture(params=["older", "newer"])
def of_another_version(request: Any, uri: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """(uri, age): another MLflow made it by its own account, and lacks a table of the present one."""
    with sqlite3.connect(uri.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision(request.param),))
        database.execute("DROP TABLE experiment_tags")
    database.close()
    return uri, request.param


def digest(uri: str) -> str:
    return hashlib.sha256(Path(uri.removeprefix("sqlite:///")).read_bytes()).hexdigest()


def test_reading_and_recording_change_nothing(of_another_version: tuple[str, str], tmp_path: Path) -> None:
    uri, age = of_another_version
    before = digest(uri)
    with pytest.raises(StoreUnusable, match=rf"written by {age} MLflow \(schema {revision(age)}"):
        load(uri)
    recorder = open_recorder(uri, "k", spool_dir=tmp_path / "spool")
    recorder.metrics({"m": 1.0}, 1)
    delivery = recorder.close(timeout=20)
    assert (delivery.waiting, delivery.lost) == (3, 0)
    assert "cannot be used from here" in recorder.warnings[0]
    assert digest(uri) == before


def test_an_older_one_is_migrated_where_that_is_asked_for(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrated: list[str] = []
    monkeypatch.setattr(schema, "_revision", lambda uri: revision("older"))
    monkeypatch.setattr(schema, "_migrate", migrated.append)
    load(uri, migrate=True)
    assert migrated == [uri]


def test_a_library_that_does_not_load_is_no_outage(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "lightning_scaling.store")
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(StoreUnusable, match="MLflow does not load"):
        load(uri)
    recorder = open_recorder(uri, "k", spool_dir=tmp_path / "spool")
    assert not recorder.close(timeout=5).delivered
    assert "does not answer" not in caplog.text
    assert "pip install" in caplog.text
