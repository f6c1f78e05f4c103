"""A table of finished runs is recognised whatever its format, wherever a log is taken."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lightning_scaling.cli import main
from lightning_scaling.importers.importer import Options
from lightning_scaling.importers.read import read_each
from lightning_scaling.importers.reading import Reading
from lightning_scaling.importers.runs_table import RunsTable
from lightning_scaling.store import load

ROWS = [
    {"name": f"r{i}", "params": n, "tokens": d, "loss": 1.69 + 406.4 / n**0.34 + 410.7 / d**0.28}
    for i, (n, d) in enumerate((n, r * n) for n in (1e7, 4e7, 1.6e8) for r in (10, 40, 160))
]


def parquet(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(ROWS), path)


def text(*lines: str) -> bytes:
    return "".join(line + "\n" for line in lines).encode()


WRITERS = {
    "runs.csv": lambda p: p.write_bytes(text(",".join(ROWS[0]), *(",".join(map(str, r.values())) for r in ROWS))),
    "runs.json": lambda p: p.write_text(json.dumps(ROWS)),
    "indented.json": lambda p: p.write_text(json.dumps({"made by": "us", "runs": ROWS}, indent=2)),
    "columns.json": lambda p: p.write_text(json.dumps({name: [row[name] for row in ROWS] for name in ROWS[0]})),
    "split.json": lambda p: p.write_text(json.dumps({"columns": list(ROWS[0]), "data": [list(r.values()) for r in ROWS]})),
    "runs.jsonl": lambda p: p.write_bytes(text(*map(json.dumps, ROWS))),
    "runs.jsonl.gz": lambda p: p.write_bytes(gzip.compress(text(*map(json.dumps, ROWS)))),
    "runs.parquet": parquet,
}


@pytest.fixture(params=WRITERS)
def table(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if "parquet" in request.param:
        pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    WRITERS[request.param](tmp_path / request.param)
    return request.param


def command(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.parametrize("glob", [False, True])
def test_fit_and_import_take_it_by_name_and_among_others(table: str, glob: bool) -> None:
    path = f"*{Path(table).suffix}" if glob else table
    (read,) = read_each(path, Options())
    assert isinstance(read, RunsTable)
    np.testing.assert_allclose(read.params, [r["params"] for r in ROWS])
    answer = json.loads(command("fit", path, "--resamples", "0", "--json"))
    assert answer["runs"] == len(ROWS)
    assert answer["constants"]["alpha"] == pytest.approx(0.34, rel=1e-3)
    assert answer["read"][0]["kind"] == "table of finished runs"


def test_import_writes_each_row_once(table: str) -> None:
    for written, action in ((9, "NEW"), (0, "THERE")):
        answer = json.loads(command("import", table, "--store", "store/", "--experiment", "e", "--yes", "--json"))
        assert answer["written"] == written
        assert {each["action"] for each in answer["runs"]} == {action}
    runs = sorted(load("store/", "e").finished, key=lambda r: (r.params, r.tokens))
    assert [(r.name, r.params, r.tokens) for r in runs] == [(r["name"], r["params"], r["tokens"]) for r in ROWS]
    assert "9 runs" in command("import", table, "--store", "other/", "--experiment", "e", "--yes")


def test_a_log_beside_it_stays_a_log(table: str, tmp_path: Path) -> None:
    log = "".join(f"{s},{2 + 9 / s**0.3},1e8,{s * 1000}\n" for s in range(1, 60))
    (tmp_path / "log.csv").write_text("step,loss,params,tokens\n" + log)
    kinds = {type(each) for path in (table, "log.csv") for each in read_each(path, Options())}
    assert kinds == {RunsTable, Reading}


def test_the_user_may_state_that_it_is_a_log(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("tokens,params,loss\n" + "".join(f"{t * 1000},1e8,{2 + 9 / t**0.3}\n" for t in range(1, 60)))
    (read,) = read_each(str(path), Options(kind="csv"))
    assert isinstance(read, Reading)


def test_forecast_refuses_it_and_names_what_takes_it(table: str) -> None:
    printed = command("forecast", table, "--at", "10B", code=2)
    assert printed.count("\n") == 1
    assert "`fit`" in printed


def test_what_cannot_be_read_is_one_reason(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and then nothing")
    (tmp_path / "zip.csv").write_bytes(b"PK\x03\x04....")
    (tmp_path / "half.json").write_text('[{"params": 1e8, "tokens": 1e9, "loss": 3')
    for name in ("bad.parquet", "zip.csv", "half.json"):
        (read,) = read_each(str(tmp_path / name), Options())
        assert isinstance(read, ValueError)
        assert name in str(read)
