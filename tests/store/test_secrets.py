"""A whole run, its report, its page and its flush against an address with a secret: nothing that is written anywhere holds it."""

import contextlib
import json
import logging
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
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


@contextlib.contextmanager
def page(uri: str) -> Iterator[Callable[..., str]]:
    """The page's own server on a store; a function from (path, body) to everything that it answers, headers included."""
    import uvicorn

    from lightning_scaling.server.routes import data
    from lightning_scaling.server.run_cache import RunCache
    from lightning_scaling.server.run_details import RunDetails

    server = uvicorn.Server(uvicorn.Config(data(RunCache(uri), RunDetails(uri)), host="127.0.0.1", port=0, log_level="debug"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]

    def ask(path: str, body: bytes | None = None) -> str:
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, {"content-type": "application/json"})
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return f"{answer.status} {answer.headers} {answer.read().decode()}"

    try:
        yield ask
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.mark.parametrize("uri", DEAD)
def test_the_page_of_a_store_that_is_away_answers_without_the_secret(uri: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with page(uri) as ask:
        answers = [ask("/data/experiments"), ask("/data/law?experiment=0"), ask("/data/runs", b'{"experiments": ["0"]}')]
    assert [answer[:3] for answer in answers] == ["503"] * 3, answers
    assert [text for text in (*answers, caplog.text) if SECRET.lower() in text.lower()] == []


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
    with page(uri) as ask:
        experiments = ask("/data/experiments")
        key = json.loads(experiments[experiments.index("[{") :])[-1]["id"]
        assert '"secrets"' in experiments
        files = [f"/data/{name}?experiment={key}" for name in ("runs.csv", "points.csv", "records.json", "law", "run/none")]
        answers = [experiments, *map(ask, files), ask("/data/runs", json.dumps({"experiments": [key]}).encode())]
    assert [answer[:3] for answer in answers] == ["200"] * 5 + ["404", "200"], answers
    assert [answer for answer in answers if SECRET.lower() in answer.lower()] == []
    assert SECRET not in caplog.text + "".join(capfd.readouterr())
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
