"""Many runs into one study: which are taken, which are refused and why, and that no call per run is needed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lightning_scaling.report import load_study, log_study
from lightning_scaling.run.record import RunRecord, RunState
from lightning_scaling.store import StoreUnavailable, load, open_recorder
from lightning_scaling.store.mlflow import reading as module

Make = Callable[..., RunRecord]


def test_runs_of_several_experiments_are_read_with_their_places(uri: str, write: Any, record: Make) -> None:
    ids = {write(uri, record(f"run-{name}"), name) for name in ("first", "second")}
    study = load(uri)
    assert {r.run_id for r in study} == ids
    assert {(r.experiment, r.name, r.state) for r in study} == {(e, f"run-{e}", RunState.FINISHED) for e in ("first", "second")}
    assert [r.experiment for r in load(uri, "second")] == ["second"]
    assert len(load(uri, ["first", "second"])) == 2
    assert load(uri, filter="tags.`scaling.key` = 'run-first'").records[0].key == "run-first"


def test_pages_are_followed_to_the_end(uri: str, write: Any, record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(5):
        write(uri, record(f"run-{n}"))
    monkeypatch.setattr(module, "PAGE", 2)
    assert sorted(r.name for r in load(uri, "sizes")) == [f"run-{n}" for n in range(5)]


def test_a_comparison_asks_for_no_history(uri: str, write: Any, record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    write(uri, record())
    for name in ("get_metric_history", "get_run", "download_artifacts", "list_artifacts"):
        monkeypatch.setattr(MlflowClient, name, lambda *_: pytest.fail("a call per run"))
    assert len(load(uri).records[0].curve) == 20


def test_running_and_crashed_runs_are_told_apart_by_their_heartbeat(uri: str, write: Any, record: Make) -> None:
    import time

    write(uri, record(ended=False, planned_tokens=10**15), status=None)
    assert load(uri).records[0].state is RunState.RUNNING
    assert load(uri, now=time.time() + 1000).records[0].state is RunState.INTERRUPTED
    assert load(uri, now=time.time() + 1000, stale_after=1e6).records[0].state is RunState.RUNNING


def test_broken_and_foreign_runs_are_listed_with_the_reason(uri: str, write: Any, client: Any, record: Make) -> None:
    broken, newer, fine = (write(uri, record(name)) for name in ("broken", "newer", "fine"))
    client.set_tag(broken, "scaling.record.0", "cut")
    client.set_tag(newer, "scaling.record", "9 1 00000000")
    external = client.create_run(client.get_run(fine).info.experiment_id, run_name="<script>alert(1)</script>")
    study = load(uri)
    reasons = {r.run_id: r.reason for r in study.rejected}
    assert [r.run_id for r in study] == [fine]
    assert "damaged" in reasons[broken]
    assert "newer version" in reasons[newer]
    assert "mapping=MetricMapping(" in reasons[external.info.run_id]


def test_a_run_before_its_first_validation_is_no_stranger(uri: str) -> None:
    recorder = open_recorder(uri, "young", experiment="sizes")
    recorder.close(timeout=60)
    assert "first validation" in load(uri).rejected[0].reason


def test_a_study_logged_beside_its_runs_is_not_one_of_them(uri: str, write: Any, record: Make) -> None:
    write(uri, record())
    log_study(load_study(uri), uri=uri)
    assert (len(load(uri)), load(uri).rejected) == (1, ())


def test_an_unknown_experiment_is_named_beside_those_there_are(uri: str, write: Any, record: Make) -> None:
    write(uri, record())
    with pytest.raises(ValueError, match=r"no experiment 'size'.*'sizes'"):
        load(uri, "size")


def test_reading_makes_no_store(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing was recorded there yet"):
        load("sqlite:///missing.db")
    assert list(tmp_path.iterdir()) == []


def test_a_dead_server_is_one_line_at_once() -> None:
    with pytest.raises(StoreUnavailable, match=r"no answer from the store http://127\.0\.0\.1:9:") as raised:
        load("http://127.0.0.1:9")
    assert "\n" not in str(raised.value)


def test_a_server_over_http_answers_as_the_database_does(server: Any, write: Any, record: Make) -> None:
    write(server.uri, record("over http", points=400), "http")
    over_http, straight = load(server.uri, "http").records[0], load(f"sqlite:///{server.folder}/mlflow.db", "http").records[0]
    assert over_http.to_json() == straight.to_json()
    assert over_http.state is RunState.FINISHED


def test_a_training_resumed_into_another_run_is_counted_once(uri: str, write: Any, record: Make) -> None:
    """A logger that names a run of its own on resume leaves two runs of one training, with one key."""
    begun = write(uri, record("r", points=20, ended=False, planned_tokens=10**9), status="FAILED", run_id=_own(uri, "first"))
    second = _own(uri, "second")
    longer = record("r", points=20, ended=False, planned_tokens=4_000_000, params=1_000_000)
    whole = replace(longer, curve=replace(longer.curve, tokens=longer.curve.tokens * 2), ended=True)
    write(uri, whole, run_id=second)
    found = load(uri, "sizes")
    assert [run.run_id for run in found] == [second]
    assert [(left.run_id, left.reason) for left in found.rejected] == [(begun, f"continued as run {second}, which is counted")]
    assert len(found.finished) == 1


def test_two_branches_of_one_checkpoint_that_both_ended_stay_two_runs(uri: str, write: Any, record: Make) -> None:
    first, second = _own(uri, "short"), _own(uri, "long")
    write(uri, record("r", points=10), run_id=first)
    write(uri, record("r", points=20, params=2_000_000), run_id=second)
    assert {run.run_id for run in load(uri, "sizes")} == {first, second}


def test_a_copy_of_a_run_is_counted_once(uri: str, write: Any, record: Make) -> None:
    for name in ("here", "there"):
        write(uri, record("r"), run_id=_own(uri, name))
    assert len(load(uri, "sizes")) == 1


def _own(uri: str, name: str) -> str:
    """A run that another logger has made."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    place = client.get_experiment_by_name("sizes")
    made = client.create_run(client.create_experiment("sizes") if place is None else place.experiment_id, run_name=name)
    return str(made.info.run_id)
