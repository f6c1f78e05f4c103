"""The set-up of a team: several workers over PostgreSQL (sqlite where there is none) behind a static prefix."""

import hashlib
import time

import pytest

from lightning_scaling.server.run_cache import FRESH_SECONDS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def team(store, postgres, serving_at, tmp_path_factory):
    """(address with prefix, the database's URI) of a server of two workers with eight runs in the experiment of id 1."""
    folder = tmp_path_factory.mktemp("team")
    uri = postgres and postgres("team")
    with serving_at(uri or store.uri, folder, "--workers", "2", "--static-prefix", "/team") as address:
        yield f"{address}/team", uri


def test_the_page_works_behind_a_static_prefix(look, team, write, make_run):
    address, uri = team
    if uri:
        for params in (1_000_000, 2_000_000, 4_000_000):
            write(uri, "ladder", make_run(params, 20), f"run-{params}")
    seen = look(address=address)
    seen.until("#law table")
    assert seen.console == []
    assert int(seen.chart("runs")) >= 3
    assert {url.split("/scaling")[0] for url in seen.asked if "/scaling" in url} == {address}
    seen.page.click("#home")
    assert seen.page.url.startswith(f"{address}/")


def test_mlflow_answers_behind_the_prefix_too(ask, team):
    assert ask(f"{team[0]}/")[0] == 200
    assert ask(f"{team[0]}/api/2.0/mlflow/experiments/search?max_results=5")[0] == 200


def test_all_workers_answer_the_same(ask, team, write, make_run):
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
