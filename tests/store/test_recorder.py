"""What a run leaves in the store, and what that may not disturb."""

import json
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightning_scaling.run.record import RunRecord
from lightning_scaling.store import Recorder, deliver, open_recorder
from lightning_scaling.store.mlflow.record_tags import from_tags

LOSS, TOKENS = "scaling/val_loss", "scaling/tokens"


def steps(client: Any, run_id: str | None, key: str = LOSS) -> list[int]:
    return [m.step for m in client.get_metric_history(run_id, key)]


def train(recorder: Recorder, wanted: range) -> None:
    for step in wanted:
        recorder.metrics({LOSS: 5.0 - step / 100, TOKENS: 1000.0 * step}, step)


def test_metrics_parameters_tags_and_files_are_read_back(uri: str, client: Any) -> None:
    recorder = open_recorder(uri, "key", experiment="sizes", run_name="small", params={"N": 124}, tags={"scaling.verdict": "TOO_EARLY"})
    train(recorder, range(1, 4))
    recorder.tags({"scaling.verdict": "CONTINUE"})
    recorder.artifact("figures/note.txt", "hello")
    assert recorder.close(timeout=60).delivered
    run = client.get_run(recorder.run_id)
    assert (run.info.status, run.info.run_name, run.data.params["N"]) == ("FINISHED", "small", "124")
    assert run.data.tags["scaling.verdict"] == "CONTINUE"
    assert [(m.step, m.value) for m in client.get_metric_history(recorder.run_id, TOKENS)] == [(1, 1e3), (2, 2e3), (3, 3e3)]
    assert client.list_artifacts(recorder.run_id, "figures")[0].path == "figures/note.txt"


def test_artifacts_of_a_local_store_lie_beside_its_database(uri: str, client: Any, tmp_path: Path) -> None:
    recorder = open_recorder(uri, "key", experiment="my sizes")
    recorder.artifact("note.txt", b"hello")
    recorder.close(timeout=60)
    assert (tmp_path / "mlartifacts" / "my%20sizes" / str(recorder.run_id) / "artifacts" / "note.txt").read_text() == "hello"


def test_the_last_record_stands(uri: str, client: Any, record: Callable[..., RunRecord]) -> None:
    recorder = open_recorder(uri, "k", experiment="sizes")
    for points in (2, 3, 5):
        recorder.record(record(points=points))
    recorder.close(timeout=60)
    run = client.get_run(recorder.run_id)
    assert len(from_tags(run.data.tags).curve) == 5
    assert run.data.tags["scaling.schema"] == "1"
    assert [f.path for f in client.list_artifacts(recorder.run_id, "scaling")] == ["scaling/record.json"]


def test_a_delivered_spool_leaves_nothing_behind(uri: str, tmp_path: Path) -> None:
    recorder = open_recorder(uri, "key", experiment="sizes", spool_dir=tmp_path / "spool")
    recorder.close(timeout=60)
    assert list((tmp_path / "spool").iterdir()) == []


def test_nan_and_inf_are_counted_and_never_sent(uri: str, client: Any) -> None:
    recorder = open_recorder(uri, "key", experiment="sizes")
    recorder.metrics({LOSS: float("nan"), TOKENS: 5.0, "scaling/forecast_high": float("inf")}, 1)
    recorder.metrics({LOSS: float("nan")}, 2)
    recorder.close(timeout=60)
    assert set(client.get_run(recorder.run_id).data.metrics) == {TOKENS}
    assert recorder.not_finite == 3


def test_a_resumed_run_goes_on_and_shows_no_point_twice(uri: str, client: Any) -> None:
    first = open_recorder(uri, "key", experiment="sizes", params={"batch": 8})
    train(first, range(1, 31))
    first.close(status="FAILED", timeout=60)
    second = open_recorder(uri, "key", experiment="sizes", params={"batch": 16, "new": 1})
    train(second, range(21, 41))  # the checkpoint was at step 20
    second.close(timeout=60)
    assert second.run_id == first.run_id
    assert steps(client, first.run_id) == list(range(1, 41))
    run = client.get_run(first.run_id)
    assert (run.info.status, run.data.params) == ("FINISHED", {"batch": "8", "new": "1"})


def test_a_resume_on_a_machine_whose_clock_is_behind_has_the_last_word(uri: str, client: Any, record: Callable[..., RunRecord]) -> None:
    first = open_recorder(uri, "k", experiment="sizes", tags={"scaling.verdict": "CONTINUE"})
    first.close(timeout=60)
    client.set_tag(first.run_id, "scaling.updated", str(int(time.time() * 1000) + 3_600_000))
    second = open_recorder(uri, "k", experiment="sizes", tags={"scaling.verdict": "STOP"})
    second.close(timeout=60)
    assert client.get_run(first.run_id).data.tags["scaling.verdict"] == "STOP"


def test_it_writes_into_the_run_of_a_logger_and_leaves_its_status(uri: str, client: Any, until: Callable[..., None]) -> None:
    run = client.create_run(client.create_experiment("theirs"))
    answers = iter([None, None, run.info.run_id])
    recorder = open_recorder(uri, "key", experiment="sizes", run_id=lambda: next(answers))
    train(recorder, range(1, 3))
    until(lambda: recorder.run_id)
    assert recorder.close(timeout=60).delivered
    assert recorder.run_id == run.info.run_id
    assert client.get_run(run.info.run_id).info.status == "RUNNING"
    assert steps(client, run.info.run_id) == [1, 2]
    assert recorder.warnings == ()


def test_an_impossible_name_holds_up_nothing(uri: str, client: Any) -> None:
    recorder = open_recorder(uri, "key", experiment="sizes")
    recorder.metrics({"x" * 300: 1.0}, 1)
    train(recorder, range(1, 3))
    delivery = recorder.close(timeout=60)
    assert steps(client, recorder.run_id) == [1, 2]
    assert len(delivery.refused) == 1
    assert "refused 1 entry" in str(delivery)


def test_files_that_find_no_place_hold_up_nothing(uri: str, client: Any, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    client.create_experiment("theirs", (tmp_path / "taken" / "files").as_uri())
    recorder = open_recorder(uri, "key", experiment="theirs")
    recorder.artifact("figures/run.png", b"png")
    train(recorder, range(1, 3))
    delivery = recorder.close(timeout=60)
    assert delivery.refused[0].startswith("figures/run.png: ")
    assert steps(client, recorder.run_id) == [1, 2]
    assert client.get_run(recorder.run_id).info.status == "FINISHED"


def test_a_record_that_cannot_be_written_holds_up_nothing(uri: str, client: Any, record: Callable[..., RunRecord]) -> None:
    recorder = open_recorder(uri, "key", experiment="sizes")
    recorder.record(record(extra={(1, 2): "no JSON key"}))
    train(recorder, range(1, 3))
    assert "cannot be kept" in recorder.close(timeout=60).refused[0]
    assert steps(client, recorder.run_id) == [1, 2]


def test_numpy_numbers_in_a_record_are_numbers(uri: str, write: Callable[..., str], client: Any, record: Callable[..., RunRecord]) -> None:
    run = write(uri, record(extra={"seed": np.int64(3), "mfu": np.float32(0.5)}))
    assert from_tags(client.get_run(run).data.tags).extra == {"seed": 3, "mfu": 0.5}


def test_an_artifact_cannot_leave_the_folder_of_its_run(uri: str) -> None:
    with pytest.raises(ValueError, match="relative path"):
        open_recorder(uri, "k").artifact("../outside.txt", "no")


def test_two_hundred_points_of_five_metrics_take_a_few_requests(uri: str, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    calls: list[int] = []
    usual = MlflowClient.log_batch

    def counted(self: Any, run_id: str, metrics: list[Any], *rest: Any) -> None:
        calls.append(len(metrics))
        usual(self, run_id, metrics, *rest)

    monkeypatch.setattr(MlflowClient, "log_batch", counted)
    recorder = open_recorder(uri, "key", experiment="sizes")
    for step in range(200):
        recorder.metrics({f"m{i}": 1.0 for i in range(5)}, step)
    recorder.close(timeout=60)
    assert sum(calls) == 1000
    assert max(calls) <= 1000
    assert len(calls) <= 10


def test_what_no_disk_took_is_replayed_from_the_checkpoint(uri: str, client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").write_text("")
    with monkeypatch.context() as no_disk:
        no_disk.setattr("tempfile.tempdir", str(tmp_path / "taken"))
        killed = open_recorder(uri, "key", experiment="sizes", run_id=lambda: None, spool_dir=tmp_path / "taken")  # a logger without a run
        train(killed, range(1, 4))
        pending = json.loads(json.dumps(killed.pending()))
    resumed = open_recorder(uri, "key", experiment="sizes", replay=[*pending, "nonsense", {"kind": "artifact"}])
    train(resumed, range(4, 6))
    resumed.close(timeout=60)
    assert sorted(steps(client, resumed.run_id)) == [1, 2, 3, 4, 5]
    killed._closed = resumed.close()  # it was killed


def test_late_points_fill_their_gap_only(uri: str, client: Any, tmp_path: Path) -> None:
    late = open_recorder(uri, "key", experiment="sizes", run_id=lambda: None, spool_dir=tmp_path / "late")
    train(late, range(1, 6))
    time.sleep(0.01)
    on_time = open_recorder(uri, "key", experiment="sizes", spool_dir=tmp_path / "on_time")
    train(on_time, range(4, 9))
    on_time.close(timeout=60)
    late.close(status=None, timeout=60)
    assert sorted(steps(client, on_time.run_id)) == list(range(1, 9))


def test_a_journal_from_a_clock_that_is_behind_brings_the_words_of_the_run_it_continued(
    uri: str, client: Any, record: Callable[..., RunRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resumed run's machine is an hour behind, and its journal is delivered by flush: the last 40 % of the curve are not lost."""
    from lightning_scaling.store.mlflow.sink import MlflowSink

    first = open_recorder(uri, "k", experiment="sizes")
    train(first, range(1, 61))
    first.record(record(points=100, ended=False))
    assert first.close("FAILED", timeout=60).delivered
    client.set_tag(first.run_id, "scaling.updated", str(int(time.time() * 1000) + 3_600_000))
    with monkeypatch.context() as outage:
        outage.setattr(MlflowSink, "send", lambda *_: 1 / 0)
        second = open_recorder(uri, "k", experiment="sizes", tags={"scaling.verdict": "STOP"}, spool_dir=tmp_path / "left")
        train(second, range(61, 101))
        second.record(record(points=140, params=2_000_000))
        assert not second.close(timeout=0.1).delivered
    second._writer._thread.join(30)
    assert all(d.delivered for d in deliver(tmp_path / "left"))
    tags = client.get_run(first.run_id).data.tags
    assert (len(from_tags(tags).curve), client.get_run(first.run_id).info.status) == (140, "FINISHED")
    assert steps(client, first.run_id) == list(range(1, 101))


def test_closing_twice_changes_nothing(uri: str) -> None:
    recorder = open_recorder(uri, "key", experiment="sizes")
    assert recorder.close(timeout=60) is recorder.close()


def test_a_forked_worker_writes_nothing(uri: str, client: Any) -> None:
    recorder = open_recorder(uri, "key", experiment="sizes")
    train(recorder, range(1, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads
        child = os.fork()
    if child == 0:
        train(recorder, range(3, 5))
        os._exit(0)
    os.waitpid(child, 0)
    recorder.close(timeout=60)
    assert steps(client, recorder.run_id) == [1, 2]
