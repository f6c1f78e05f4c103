"""A folder of JSON and CSV as a store: `runs/<experiment>/<key>/` holds one run, readable without this project.

run.json        key, name, experiment, status, parameters, tags, time of the last sign of life
metrics.csv     time in ms since 1970, step, metric, value; one line a point, only ever appended
record.json     the run as `load` reads it: at most 400 points, schedule, forecasts, conventions
scaling/…       files of the run, as they were given
"""

import base64
import csv
import io
import json
import os
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from lightning_scaling.run.finished import with_state
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.journal.event import LONGEST_NAME, Event, artifact_name
from lightning_scaling.store.record_packing import unpack
from lightning_scaling.store.runs import Rejected, Runs

RUN, METRICS, RECORD = "run.json", "metrics.csv", "record.json"
_HEADER = ("time_ms", "step", "metric", "value")


class FolderSink:
    """Delivers one run's events into `root`. Events that come again change nothing."""

    def __init__(self, root: Path, header: Mapping[str, Any]) -> None:
        self._folder = root / folder_name(header["experiment"]) / folder_name(header["key"])
        self._header = header
        self._have: set[tuple[str, int]] = set()
        self._run: dict[str, Any] = {}
        self.run_id: str | None = None
        self.refused: list[str] = []

    def send(self, events: list[Event]) -> None:
        """Deliver in order; an OSError passes to the caller, who sends the same events again later."""
        self._open()
        rows = [row for event in events if event["kind"] == "metrics" for row in self._new_points(event)]
        self._append(rows)
        for event in events:
            try:
                self._take(event)
            except ValueError as error:  # a record that cannot be read: what follows it is taken all the same
                self.refused.append(f"{event['kind']}: {error}")
        self._save()

    def beat(self) -> None:
        """Show that the run is alive."""
        if self.run_id is not None:
            self._run["heartbeat_ms"] = _now()
            self._save()

    def _open(self) -> None:
        if self.run_id is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        h = self._header
        new = {"key": h["key"], "name": h.get("run_name") or h["key"], "experiment": h["experiment"], "status": "RUNNING"}
        self._run = read_run(self._folder) or {**new, "params": {}, "tags": {}, "updated_ms": 0}
        self._have = {(metric, step) for _, step, metric, _ in read_metrics(self._folder)}
        self.run_id = f"{self._folder.parent.name}/{self._folder.name}"

    def _take(self, event: Event) -> None:
        kind = event["kind"]
        if kind == "params":
            self._run["params"] = {**event["values"], **self._run["params"]}
        elif kind == "artifact":
            self._file(event)
        elif kind == "tags":
            self._run["tags"] |= event["values"]
        elif kind == "status":
            self._run["status"] = event["status"]
        elif kind == "record":
            text = json.dumps(unpack(event["packed"]).to_json(), allow_nan=False)
            _replace(self._folder / RECORD, text.encode())
        self._run["heartbeat_ms"] = max(event["t"], self._run.get("heartbeat_ms", 0))

    def _file(self, event: Event) -> None:
        file = self._folder.joinpath(*artifact_name(event["name"]).parts)
        if file.parent == self._folder:
            file = self._folder / "files" / file.name  # the names in the run's own folder are taken
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.resolve().is_relative_to(self._folder.resolve()):
            self.refused.append(f"{event['name']}: a link leads out of {self._folder}")
            return
        _replace(file, base64.b64decode(event["base64"]))

    def _new_points(self, event: Event) -> list[tuple[Any, ...]]:
        new = [(event["t"], event["step"], key, value) for key, value in event["values"].items() if (key, event["step"]) not in self._have]
        return new

    def _append(self, rows: list[tuple[Any, ...]]) -> None:
        file, out = self._folder / METRICS, io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        unique = {(metric, step): (when, step, metric, value) for when, step, metric, value in reversed(rows)}
        if not file.exists():
            writer.writerow(_HEADER)
        writer.writerows((when, step, cell(metric), repr(float(value))) for when, step, metric, value in reversed(unique.values()))
        if out.getvalue():
            with open(file, "a+b") as whole:
                torn = whole.tell() and os.pread(whole.fileno(), 1, whole.tell() - 1) != b"\n"
                whole.write(b"\n" * bool(torn) + out.getvalue().encode())
        self._have |= unique.keys()

    def _save(self) -> None:
        _replace(self._folder / RUN, json.dumps(self._run, indent=1, allow_nan=False).encode())


def load_folder(root: Path, experiments: Iterable[str] | None, stale_after: float, now: float) -> Runs:
    """`load` for a folder.

    Raises:
        ValueError: no such folder or experiment.
    """
    if not root.is_dir():
        raise ValueError(f"no store at {root}: nothing was recorded there yet")
    have = set(experiments_in(root).values())
    wanted = None if experiments is None else list(experiments)
    if missing := [name for name in wanted or () if name not in have]:
        raise ValueError(f"no experiment {missing[0]!r} in {root}; it has {', '.join(map(repr, sorted(have)[:8]))}")
    records, rejected = [], []
    for folder in _runs(root):
        where, run_id = unquote(folder.parent.name), f"{folder.parent.name}/{folder.name}"
        if wanted is not None and where not in wanted:
            continue
        try:
            records.append(replace(_record(folder, stale_after, now), experiment=where, run_id=run_id))
        except (ValueError, OSError) as error:
            rejected.append(Rejected(run_id, unquote(folder.name), where, str(error)))
        except (KeyError, TypeError) as error:
            rejected.append(Rejected(run_id, unquote(folder.name), where, f"record damaged: {error}"))
    return Runs(tuple(records), tuple(rejected)).once


def experiments_in(root: Path) -> dict[str, str]:
    """id → name."""
    return {folder.parent.name: unquote(folder.parent.name) for folder in _runs(root)}


def _runs(root: Path) -> Iterator[Path]:
    return (file.parent for file in sorted(root.glob(f"*/*/{RUN}")))


def _record(folder: Path, stale_after: float, now: float) -> RunRecord:
    run = read_run(folder) or {}
    try:
        record = RunRecord.from_json(json.loads((folder / RECORD).read_text()))
    except FileNotFoundError:
        raise ValueError("no record yet: the run has not reached its first validation") from None
    record = with_state(record, str(run.get("status")), run.get("heartbeat_ms", 0) / 1000, now, stale_after)
    return replace(record, name=str(run.get("name") or record.name))


def folder_name(name: str) -> str:
    """A name made safe for a folder.

    >>> folder_name("my sizes"), folder_name("../x"), folder_name("..")
    ('my%20sizes', '..%2Fx', '%2E%2E')
    """
    quoted = quote(name, safe="")
    if len(quoted) > LONGEST_NAME:
        quoted = f"{quoted[:80]}-{zlib.crc32(name.encode()):08x}"
    return quoted if quoted.strip(".") else quoted.replace(".", "%2E")


def cell(text: str) -> str:
    """A name as a cell of a CSV: no spreadsheet takes it for a formula, and it stays in its row.

    >>> cell("=1+1"), cell("a\\rb"), cell("val_loss")
    ("'=1+1", 'a b', 'val_loss')
    """
    one_line = " ".join(text.splitlines()) if any(c in text for c in "\r\n") else text
    return "'" + one_line if one_line.startswith(("=", "+", "-", "@", "\t")) else one_line


def read_run(folder: Path) -> dict[str, Any] | None:
    """run.json, None where it is missing. ValueError where it is damaged."""
    try:
        found = json.loads((folder / RUN).read_text())
    except FileNotFoundError:
        return None
    if not isinstance(found, dict):
        raise ValueError(f"{folder / RUN} is no run")
    return found


def read_metrics(folder: Path) -> list[tuple[int, int, str, float]]:
    """(time, step, metric, value) of every whole line."""
    try:
        with open(folder / METRICS, newline="") as file:
            rows = list(csv.reader(file))[1:]
    except FileNotFoundError:
        return []
    return [(int(row[0]), int(row[1]), row[2], float(row[3])) for row in rows if _whole(row)]


def _whole(row: list[str]) -> bool:
    try:
        return len(row) == len(_HEADER) and bool(int(row[0])) and int(row[1]) is not None and float(row[3]) is not None
    except ValueError:
        return False


def _replace(path: Path, data: bytes) -> None:
    """A reader finds the old file or the new one, never half."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.write_bytes(data)
    os.replace(new, path)


def _now() -> int:
    return int(time.time() * 1000)
