"""A folder of JSON and CSV as a store: the same training through it and through MLflow gives the same records."""

import base64
import csv
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightning_scaling.run.record import RunRecord, RunState
from lightning_scaling.store import load, open_recorder
from lightning_scaling.store.folder import FolderSink

LOSS = "scaling/val_loss"


def train(store: str, record: RunRecord, steps: range = range(1, 21), status: str = "FINISHED", **options: Any) -> str:
    recorder = open_recorder(store, record.key, experiment="sizes", run_name="small", params={"N": 5}, **options)
    for step in steps:
        recorder.metrics({LOSS: 5.0 - step / 100}, step)
    recorder.tags({"scaling.verdict": "CONTINUE"})
    recorder.artifact("figures/note.txt", "hello")
    recorder.record(record)
    assert recorder.close(status, timeout=60).delivered
    return str(recorder.run_id)


def test_the_same_training_through_both_sinks_gives_the_same_records(uri: str, record: Callable[..., RunRecord], tmp_path: Path) -> None:
    run, folder = record(points=500, ended=False, planned_tokens=10**15), str(tmp_path / "runs")
    for store in (uri, folder):
        train(store, run)
    (ours,), (theirs,) = load(folder, "sizes").records, load(uri, "sizes").records
    assert ours.to_json() == theirs.to_json()
    assert (ours.state, ours.name, ours.experiment) == (theirs.state, theirs.name, theirs.experiment)


def test_points_and_words_are_plain_files(record: Callable[..., RunRecord], tmp_path: Path) -> None:
    run_id = train(str(tmp_path / "runs"), record())
    folder = tmp_path / "runs" / run_id
    with open(folder / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["step"]), float(row["value"])) for row in rows] == [(step, 5.0 - step / 100) for step in range(1, 21)]
    run = json.loads((folder / "run.json").read_text())
    assert (run["status"], run["params"], run["tags"]) == ("FINISHED", {"N": "5"}, {"scaling.verdict": "CONTINUE"})
    assert (folder / "figures" / "note.txt").read_text() == "hello"
    assert json.loads((folder / "scaling" / "record.json").read_text())["key"] == "k"


def test_a_resumed_run_continues_and_shows_no_point_twice(record: Callable[..., RunRecord], tmp_path: Path) -> None:
    store = str(tmp_path / "runs")
    train(store, record(points=20, ended=False), range(1, 31), "FAILED")
    run_id = train(store, record(points=40), range(21, 41))
    rows = (tmp_path / "runs" / run_id / "metrics.csv").read_text().splitlines()[1:]
    assert [int(row.split(",")[1]) for row in rows] == list(range(1, 41))
    (run,) = load(store).records
    assert (len(run.curve), run.state) == (40, RunState.FINISHED)


def test_a_torn_line_costs_that_line(record: Callable[..., RunRecord], tmp_path: Path) -> None:
    store = str(tmp_path / "runs")
    run_id = train(store, record(), range(1, 4), "FAILED")
    with open(tmp_path / "runs" / run_id / "metrics.csv", "a") as file:
        file.write("17000000,4,scaling/v")
    train(store, record(), range(4, 6))
    rows = (tmp_path / "runs" / run_id / "metrics.csv").read_text().splitlines()
    assert sum(row.count(",") == 3 for row in rows) == 6


def test_names_stay_inside_the_folder_and_in_their_cells(record: Callable[..., RunRecord], tmp_path: Path) -> None:
    recorder = open_recorder(str(tmp_path / "runs"), "../../key", experiment="..", run_name="x")
    recorder.metrics({"=cmd\r\n+1": 1.0}, 1)
    recorder.artifact("run.json", "not the run")
    assert recorder.close(timeout=60).delivered
    assert {path.parts[len(tmp_path.parts)] for path in tmp_path.rglob("*.csv")} == {"runs"}
    (table,) = tmp_path.rglob("metrics.csv")
    assert table.read_text().splitlines()[1].split(",")[2] == "'=cmd +1"
    assert json.loads((table.parent / "run.json").read_text())["key"] == "../../key"


def test_a_record_that_cannot_be_unpacked_stops_nothing_behind_it(tmp_path: Path) -> None:
    bomb = zlib.compress(bytes(2**27), 9)
    packed = f"1 {zlib.crc32(bomb):08x} {base64.b64encode(bomb).decode()}"
    sink = FolderSink(tmp_path, {"key": "k" * 400, "experiment": "e"})
    sink.send([{"kind": "record", "t": 1, "packed": packed}, {"kind": "status", "t": 2, "status": "FINISHED"}])
    assert ["64 MB" in reason for reason in sink.refused] == [True]
    (run,) = tmp_path.rglob("run.json")
    assert json.loads(run.read_text())["status"] == "FINISHED"


def test_what_cannot_be_read_is_listed_with_the_reason(record: Callable[..., RunRecord], tmp_path: Path) -> None:
    store = str(tmp_path / "runs")
    damaged, young = train(store, record("damaged")), open_recorder(store, "young", experiment="sizes")
    young.close(timeout=60)
    (tmp_path / "runs" / damaged / "record.json").write_text('{"schema": 9}')
    reasons = {each.run_id: each.reason for each in load(store).rejected}
    assert "schema" in reasons[damaged]
    assert "first validation" in reasons["sizes/young"]
    with pytest.raises(ValueError, match=r"no experiment 'size'.*'sizes'"):
        load(store, "size")


def test_a_folder_that_mlflow_has_filled_stays_mlflows(tmp_path: Path) -> None:
    from lightning_scaling.store import resolve_uri

    (tmp_path / "mlruns" / "0").mkdir(parents=True)
    (tmp_path / "mlruns" / "0" / "meta.yaml").write_text("")
    assert resolve_uri(tmp_path / "mlruns").startswith("file://")
    assert resolve_uri("runs/") == str(tmp_path / "runs")
