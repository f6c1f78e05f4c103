"""The set-up of a team: several workers over PostgreSQL (sqlite where there is none) behind a static prefix."""

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from lightning_scaling.server.shelf import FRESH_SECONDS


@contextlib.contextmanager
def postgres(folder):
    """The URI of a PostgreSQL of its own on loopback, where the system has one (root starts it as the user postgres); else None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")) or [Path(p) for p in [shutil.which("pg_ctl")] if p]
    if not found:
        yield None
        return
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    data = folder / "postgres"
    data.mkdir()
    if as_user:
        shutil.chown(data, "postgres")
        for above in [folder, *folder.parents][: len(folder.parts) - 2]:  # pytest's folders are closed to others; /tmp is not
            above.chmod(above.stat().st_mode | 0o011)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run = lambda *command: subprocess.run([*as_user, *command], cwd=data, check=True, stdout=subprocess.DEVNULL)  # noqa: E731
    run(str(found[-1].parent / "initdb"), "-D", str(data / "db"), "-U", "postgres", "-A", "trust", "--no-sync")
    control = [str(found[-1]), "-D", str(data / "db"), "-w", "-l", str(data / "log")]
    run(*control, "-o", f"-p {port} -k {data} -c listen_addresses=127.0.0.1", "start")
    try:
        yield f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres"
    finally:
        run(*control, "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def team(store, database, serving_at, tmp_path_factory):
    """(address with prefix, the database's URI) of a server of two workers with eight runs in the experiment of id 1."""
    folder = tmp_path_factory.mktemp("team")
    with postgres(folder) as uri, serving_at(uri or store.uri, folder, "--workers", "2", "--static-prefix", "/team") as address:
        yield f"{address}/team", uri


def test_the_page_works_behind_a_static_prefix(look, team, write, make_run):
    address, uri = team
    if uri:
        for params in (1_000_000, 2_000_000, 4_000_000):
            write(uri, "ladder", make_run(params, 20), f"run-{params}")
    seen = look(address=address)
    seen.until("#law table")
    assert seen.said == []
    assert int(seen.chart("runs")) >= 3
    assert {url.split("/scaling")[0] for url in seen.asked if "/scaling" in url} == {address}
    seen.page.click("#home")
    assert seen.page.url.startswith(f"{address}/")


def test_mlflow_answers_behind_the_prefix_too(ask, team):
    assert ask(f"{team[0]}/")[0] == 200
    assert ask(f"{team[0]}/api/2.0/mlflow/experiments/search?max_results=5")[0] == 200


def test_all_workers_tell_the_same(ask, team, write, make_run):
    address, uri = team
    if uri is None:
        pytest.skip("no PostgreSQL on this machine (apt-get install postgresql)")
    write(uri, "again", make_run(1_000_000, 20), "one")
    experiments = ask(f"{address}/api/2.0/mlflow/experiments/search?max_results=9", read=True)["experiments"]
    (again,) = (each["experiment_id"] for each in experiments if each["name"] == "again")
    time.sleep(FRESH_SECONDS)  # a worker may know the list of a moment ago
    body = {"experiments": [again], "known": {}}
    answers = {hashlib.sha256(ask(f"{address}/scaling/data/runs", body)[2]).hexdigest() for _ in range(8)}
    assert len(answers) == 1
