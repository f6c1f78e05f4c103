"""A whole run, its report, its page and its flush against an address with a secret: nothing that is written anywhere holds it."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lightning_scaling.cli import main
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store import deliver, open_recorder, store_name

SECRET = "S3cr3tWord"
DEAD = [
    f"http://ada:{SECRET}@127.0.0.1:9",
    f"http://ada:{SECRET}/x@127.0.0.1:9",
    f"http://ada:{SECRET}#1@127.0.0.1:9",
    f"http://ada:{SECRET}?1@127.0.0.1:9",
    f"http://ada:x {SECRET}@127.0.0.1:9",
    f"http://{SECRET}@127.0.0.1:9",
    f"http://127.0.0.1:9/?token={SECRET}",
    f"postgresql+psycopg2://ada:{SECRET}/9@127.0.0.1:9/m",
    f"postgresql+psycopg2:///m?host=127.0.0.1&port=9&user=ada&password={SECRET}",
]


def holders(folder: Path) -> list[str]:
    """Files below the folder that hold the secret, in their content or their name."""
    secret = SECRET.lower().encode()
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if secret in path.read_bytes().lower() or secret in os.fsencode(path).lower()]


@pytest.mark.parametrize("uri", DEAD)
def test_an_outage_shows_no_secret(
    uri: str, tmp_path: Path, record: Callable[..., RunRecord], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    recorder = open_recorder(uri, "k", run_name="n", spool_dir=tmp_path / "spool")
    recorder.metrics({"m": 1.0}, 1)
    recorder.record(record())
    delivery = recorder.close(timeout=5)
    recorder._writer._thread.join(30)
    assert delivery.waiting >= 4
    run = CliRunner()
    shown = [str(delivery), repr(delivery), recorder.store, store_name(uri), caplog.text, *recorder.warnings]
    for arguments in (["flush", str(tmp_path / "spool")], ["flush", str(tmp_path / "spool"), "--json", "--store", uri]):
        shown.append(run.invoke(main, arguments).output)
    done = run.invoke(main, ["report", "--experiment", "e", "--store", uri, "--out", str(tmp_path / "report")])
    shown += [done.output, "".join(map(str, done.exc_info or ())), *capfd.readouterr()]
    assert [text for text in shown if SECRET.lower() in text.lower()] == []
    assert holders(tmp_path) == []


def test_a_server_run_leaves_no_secret_in_spool_store_artifacts_report_or_page(
    server: Any, record: Callable[..., RunRecord], tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """The server asks for no password; one is given all the same, as behind a proxy that takes it."""
    caplog.set_level(logging.DEBUG)
    uri = server.uri.replace("://", f"://ada:{SECRET}@")
    recorder = open_recorder(uri, "secret-run", experiment="secrets", run_name="n", spool_dir=tmp_path / "spool")
    recorder.record(record("secret-run"))
    recorder.artifact("note.txt", "hello")
    assert recorder.close(timeout=60).delivered
    out = tmp_path / "report"
    done = CliRunner().invoke(main, ["report", "--experiment", "secrets", "--store", uri, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert SECRET not in done.output + caplog.text + "".join(capfd.readouterr())
    assert holders(tmp_path) == []
    assert holders(Path(server.folder)) == []


def test_flush_needs_the_full_address_again_and_names_it_without_the_secret(uri: str, tmp_path: Path) -> None:
    """A journal holds no password: `flush --store` brings it."""
    given = f"{uri}?timeout={SECRET}"
    recorder = open_recorder(given, "k", run_id=lambda: None, spool_dir=tmp_path / "spool")
    recorder._writer.backlog.disk.close()  # type: ignore[union-attr]
    (without,) = deliver(tmp_path / "spool")
    assert "--store" in str(without)
    assert SECRET not in str(without)
    (with_it,) = deliver(tmp_path / "spool", uri + "?timeout=5")
    assert with_it.delivered
