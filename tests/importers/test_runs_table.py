"""Tables of finished runs: usual names and units, bad cells dropped and counted; known by content wherever a log is taken."""

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
from lightning_scaling.importers.runs_table import RunsTable, read_table
from lightning_scaling.store import load

PARAMS, TOKENS, LOSS = [7e7, 4e8, 1.4e9], [1.4e9, 8e9, 2.8e10], [3.5, 3.02, 2.7]


@pytest.mark.parametrize(
    "text",
    [
        "params,tokens,loss\n7e7,1.4e9,3.5\n4e8,8e9,3.02\n1.4e9,2.8e10,2.7\n",
        "Model,Params (B),Tokens (B),Final loss\nx,0.07,1.4,3.5\ny,0.4,8,3.02\nz,1.4,28,2.7\n",
        "N,D,L\n70M,1.4B,3.5\n400M,8B,3.02\n1.4B,28B,2.7\n",
        "N (M);D (billions);val loss\n70;1,4;3,5\n400;8;3,02\n1400;28;2,7\n",
        "| Parameters | Tokens | Loss |\n|---|---|---|\n| 70M | 1.4B | 3.5 |\n| 400 million | 8 billion | 3.02 |\n| 1.4B | 28B | 2.7 |\n",
        "model_size,compute (PFLOPs),eval/loss\n7e7,588,3.5\n4e8,19200,3.02\n1.4e9,235200,2.7\n",
        '[{"params":7e7,"tokens":1.4e9,"loss":3.5},{"params":4e8,"tokens":8e9,"loss":3.02},{"params":1.4e9,"tokens":2.8e10,"loss":2.7}]',
        "Model,Data,Loss\n70M,1.4B tokens,3.50 ± 0.01\n400M,8B,3.02\n1.4B,28B,2.7 +/- 0.02\n",
        "N,FLOPs (1e18),loss\n7e7,0.588,3.5\n4e8,19.2,3.02\n1.4e9,235.2,2.7\n",
        "params,compute (EFLOPs),loss\n7e7,.588,3.5\n4e8,19.2,3.02\n1.4e9,235.2,2.7\n",
        "params,C,loss\n7e7,5.88 × 10^17,3.5\n4e8,1.92 × 10^19,3.02\n1.4e9,2.352 × 10^20,2.7\n",
        "d_model,n_layers,n_ctx,N,D,loss\n512,8,2048,7e7,1.4e9,3.5\n1024,16,2048,4e8,8e9,3.02\n2048,24,2048,1.4e9,2.8e10,2.7\n",
        "run,params,tokens,loss\na,7e7,1.4e9,3.5\nb,4e8,8e9,3.02\nb,4e8,8e9,3.02\nc,1.4e9,2.8e10,2.7\nmean,6e8,1e10,3.07\nMedian,4e8,8e9,3\n",
        ",size,data,result\n,params,tokens,loss\n0,7e7,1.4e9,3.5\n1,4e8,8e9,3.02\n2,1.4e9,2.8e10,2.7\n",
        r"\begin{tabular}{lrr}" + "\n" + r"N & D & Loss \\ \hline" + "\n" + r"$7\times10^7$ & 1.4B & 3.50(2) \\" + "\n"
        r"\textbf{400M} & 8B & 3.02 \\" + "\n" + r"1.4B & 28B & 2.7 \\" + "\n" + r"\end{tabular}" + "\n",
        "sep=;\nparams;tokens;loss\n7e7;1.4e9;3.5\n4e8;8e9;3.02\n1.4e9;2.8e10;2.7\n",
        "params^tokens^loss\n**70M**^1.4B^3.5\n400M^8B^3.02\n1.4B^28B^2.7\n",
        "params tokens loss\n70M 1.4B 3.5\n400M 8B 3.02\n1.4B 28B 2.7\n",
        'n_params,tokens,loss\n"70,000,000","1,400,000,000",3.5\n"400,000,000","8,000,000,000",3.02\n1.4e9,2.8e10,2.7\n',
    ],
)
def test_usual_names_and_units_are_the_same_runs(file, text):
    (table,) = read_each(file("runs.csv", text))
    assert isinstance(table, RunsTable)
    np.testing.assert_allclose(table.params, PARAMS)
    np.testing.assert_allclose(table.tokens, TOKENS)
    np.testing.assert_allclose(table.loss, LOSS)


SWEEP = [f"{n:.0f},{d:.0f},{f},{r},1000" for n, d, f in zip(PARAMS, TOKENS, LOSS, strict=True) for r in (1e-3, 3e-4)]


def test_runs_of_several_sizes_beside_their_rates_and_steps_are_finished_runs(file):
    (table,) = read_each(file("sweep.csv", ["params,tokens,loss,lr,steps", *SWEEP]))
    assert isinstance(table, RunsTable)
    assert len(table.loss) == 6


def test_a_log_of_several_sizes_is_a_log(file):
    rows = [f"{n},{n},{s * 1000},{3 + 1 / s},1e-3" for n in ("1e+08", "4e+08") for s in range(1, 40)]
    assert [reading.run for reading in read_each(file("logs.csv", ["run,params,tokens,loss,lr", *rows]))] == ["1e+08", "4e+08"]


def test_runs_of_a_document_by_their_names(file):
    document = {f"r{k}": {"params": n, "tokens": d, "loss": f} for k, (n, d, f) in enumerate(zip(PARAMS, TOKENS, LOSS, strict=True))}
    (table,) = read_each(file("runs.json", json.dumps(document)))
    assert (table.run, table.loss.tolist()) == (("r0", "r1", "r2"), list(LOSS))


def test_pf_days_are_a_unit_of_compute(file):
    table = read_table(file("runs.csv", "n_params,pf_days,test_loss\n1e9,10,2.5\n"))
    np.testing.assert_allclose(table.tokens, 8.64e20 / 6e9)
    (other,) = read_each(file("other.csv", "n_params,petaflop/s-days,test_loss\n1e9,10,2.5\n"))
    np.testing.assert_allclose(other.tokens, table.tokens)


def test_sizes_that_change_beside_steps_alone_are_no_log(file):
    with pytest.raises(ValueError, match="no column for tokens"):
        raise next(iter(read_each(file("runs.csv", ["params,steps,loss", "1e8,1000,3.2", "2e8,2000,3.1", "4e8,4000,3.0"]))))


def test_bad_cells_are_dropped_and_counted_with_their_rows(file):
    rows = ["params,tokens,loss", "7e7,1e9,3.5", "7e7,,3.4", "7e7,2e9,nan", "7e7,4e9,-", "7e7,8e9,3.0"]
    table = read_table(file("runs.csv", rows))
    np.testing.assert_allclose(table.loss, [3.5, 3.0])
    assert [(each["rows"], each["first_row"]) for each in table.skipped] == [(1, 3), (2, 4)]


def test_a_validation_loss_is_taken_before_a_training_loss(file):
    assert read_table(file("runs.csv", "params,tokens,train_loss,val_loss\n1e8,1e9,3.0,3.1\n")).columns["loss"] == "val_loss"


def test_other_losses_and_sizes_are_named(file):
    table = read_table(file("runs.csv", "params (total),params (non-emb),tokens,loss,c4_loss\n1e8,9e7,1e9,3.0,3.1\n"))
    assert {"params (non-emb) is not used (--params-column)", "c4_loss is not used (--loss-column)"} <= set(table.remarks)


def test_points_of_one_run_are_stated(file):
    table = read_table(file("runs.csv", "run,params,tokens,loss\na,1e8,1e9,3.2\na,1e8,2e9,3.1\nb,2e8,1e9,3.0\n"))
    assert "2 values of run in 3 rows" in table.remarks[-1]


def test_a_column_can_be_named(file):
    path = file("runs.csv", "params,tokens,loss,C4\n1e8,1e9,3.0,3.1\n")
    np.testing.assert_allclose(read_table(path, {"loss": "C4"}).loss, [3.1])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("params,tokens,loss\n0.07,1.4,3.5\n", r"params is 0.07 at most.*'params \(B\)' for billions"),
        ("a,b,c\n1,2,3\n", "no column for params"),
        ("params,tokens\n1e8,1e9\n", "no column for loss"),
        ("params,tokens,val ppl\n1e8,1e9,20\n", "val ppl is a perplexity: write its natural logarithm"),
        ("log10 N,log10 D,loss\n8,9,3\n", "no column for params"),
        ("", "has no runs"),
        ("params,tokens,loss\n1e8,1e9,nan\n", "no runs with every number.*got 'nan'.*row 2"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(file, text, why):
    with pytest.raises(ValueError, match=why):
        read_table(file("runs.csv", text))


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
