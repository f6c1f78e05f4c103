"""`fit` and `report` take runs from wherever they are: tables, logs, folders, globs, standard input, another program's MLflow runs."""

import gzip
import json

import numpy as np
import pytest
from click.testing import CliRunner

from lightning_scaling.cli import main
from lightning_scaling.cli.sources import read_sources
from lightning_scaling.run.record import RunState
from lightning_scaling.store import load

# E, A, B and exponents of Hoffmann et al. (2022), fitted again by Besiroglu et al. (2024): arXiv 2404.10102, Table 1.
E, A, B, ALPHA, BETA = 1.8172, 482.01, 2085.43, 0.3478, 0.3658
RUNS = [(7e6, 1.4e8), (2e7, 4e8), (7e7, 1.4e9), (2e8, 4e9), (4e8, 2e9), (2e7, 2e9), (7e6, 1e9), (7e7, 6e9)]


def law(params, tokens):
    return E + A / params**ALPHA + B / tokens**BETA


@pytest.fixture
def logs(tmp_path, monkeypatch):
    """A folder of CSVLogger folders, N in the configuration beside each log."""
    monkeypatch.chdir(tmp_path)
    for i, (params, tokens) in enumerate(RUNS):
        folder = tmp_path / f"logs/version_{i}"
        folder.mkdir(parents=True)
        at = np.linspace(tokens / 40, tokens, 40)
        rows = (f"{100 * k},{loss:.6f},{seen:.0f}\n" for k, (seen, loss) in enumerate(zip(at, law(params, at), strict=True), 1))
        (folder / "metrics.csv").write_text("step,val_loss,tokens\n" + "".join(rows))
        (folder / "config.json").write_text(json.dumps({"n_params": params}))
    return tmp_path / "logs"


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{n:g},{d:g},{law(n, d):.6f}" for n, d in RUNS]
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(["N (weights),tokens,loss", *rows, "1e8,1e9,nan", "1e8,,3.1"]) + "\n")
    return path


def run(*words, **more):
    return CliRunner().invoke(main, [str(word) for word in words], **more)


def answer(*words, **more):
    done = run(*words, "--json", **more)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def exponent(*words, **more):
    return answer("fit", *words, "--resamples", 0, **more)["constants"]["N_exponent"]


def test_a_law_is_the_same_from_a_table_logs_a_folder_a_glob_and_standard_input(logs, table):
    packed = table.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(table.read_bytes()))
    expected = pytest.approx(BETA / (ALPHA + BETA), abs=0.01)
    assert exponent(table) == expected
    assert exponent(packed) == expected
    assert exponent("-", input=table.read_bytes()) == expected
    assert exponent(logs) == expected
    assert exponent("logs/*/metrics.csv") == expected
    assert exponent(*sorted(logs.glob("*/metrics.csv"))) == expected


def test_fit_says_what_it_read_what_it_left_out_and_from_which_row(table):
    shown = run("fit", table, "--resamples", 0).stdout
    assert "table of finished runs, 10 rows; skipped tokens must be a positive number, got '': 1 row, first row 11" in shown
    assert "loss must be a positive number, got 'nan': 1 row, first row 10" in shown
    assert "params: N (weights), tokens: tokens, loss: loss" in shown
    (read,) = answer("fit", table, "--resamples", 0)["read"]
    assert (read["rows_read"], read["runs"], read["columns"]["params"]) == (10, 8, "N (weights)")
    assert [each["first_row"] for each in read["skipped"]] == [11, 10]


def test_columns_of_a_table_can_be_named(table):
    table.write_text(table.read_text().replace("N (weights),tokens,loss", "big,long,final"))
    assert "no column for params" in run("fit", table).stderr
    words = ("--params-column", "big", "--tokens-column", "long", "--loss-column", "final")
    assert exponent(table, *words) == pytest.approx(BETA / (ALPHA + BETA), abs=0.01)


def test_a_single_log_is_no_table_and_the_refusal_says_what_a_table_is(logs):
    done = run("fit", logs / "version_0/metrics.csv")
    assert (done.exit_code, "no column for params" in done.stderr) == (2, True)


@pytest.mark.slow
def test_a_report_of_log_files_says_how_each_was_read_and_what_was_not(logs):
    """A file that cannot be read is named and stops no other."""
    (logs / "version_8").mkdir()
    (logs / "version_8/metrics.csv").write_text("step,val_ppl\n1,30\n2,20\n")
    shown = run("report", "logs/*/metrics.csv", "--out", "out").stdout
    assert "version_0/metrics.csv: CSV, 40 rows" in shown
    assert "… and 3 more; --json holds how each was read" in shown
    assert "version_8/metrics.csv: val_ppl is a perplexity" in " ".join(shown.split())
    assert (logs.parent / "out/report.html").exists()


def test_a_report_takes_standard_input(logs):
    one = answer("report", "-", "--params", "7M", "--out", "out", input=(logs / "version_0/metrics.csv").read_bytes())
    assert [(each["params"], each["tokens"]) for each in one["runs"]] == [(7_000_000, 1.4e8)]
    assert one["read"][0]["file"] == "standard input"


def test_the_runs_of_a_table_are_those_of_the_logs(logs, table):
    """What `report`, the law and the pages show are these records."""

    def points(*files):
        given = {"sources": files, **dict.fromkeys(("store", "names", "family", "params", "run", "kind", "pattern", "tokens_per_step"))}
        given |= {f"{what}_column": None for what in ("step", "lr", "loss", "tokens", "epoch", "run")}
        study, _ = read_sources(given, []).study()
        assert all(record.state is RunState.FINISHED for record in study)
        return sorted((record.params, record.tokens, round(record.loss, 5), record.spent) for record in study)

    assert points(str(table)) == points(str(logs))


def test_import_writes_the_runs_of_a_table_too(table):
    done = run("import", table, "--yes", "--store", "kept/", "--experiment", "e")
    assert done.exit_code == 0
    assert "8 runs written" in done.output
    assert "loss must be a positive number, got 'nan': 1 row, first row 10" in done.output.replace("; ", "\n")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["report"], "give the runs"),
        (["report", "logs", "--experiment", "e"], "either files of runs, or a store"),
        (["report", "logs", "--names", "loss=l"], "--names reads runs of a store"),
        (["report", "--experiment", "e", "--loss-column", "l"], "give --names"),
        (["report", "logs", "--log"], "lightning-scaling import"),
        (["report", "-", "--watch", "5"], "read once"),
        (["report", "nowhere/*.csv"], "no file fits"),
        (["fit"], "either files of runs, or a store"),
        (["fit", "--experiment", "e", "--names", "val_loss"], "loss=val_loss"),
    ],
)
def test_what_does_not_fit_together_is_one_line(logs, words, why):
    done = run(*words)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert why in done.stderr


def test_names_read_another_programs_runs_alike_in_report_fit_advise_and_import(tmp_path, monkeypatch):
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path}/theirs.db"
    client = MlflowClient(uri)
    experiment = client.create_experiment("theirs")
    for size in (1_000_000, 2_000_000, 4_000_000, 8_000_000):
        made = client.create_run(experiment, run_name=f"N{size}").info.run_id
        points = [Metric("val_loss", law(size, 4096 * (step + 1)), step, step) for step in range(99, 2000, 100)]
        client.log_batch(made, points, [Param("n_params", str(size))])
        client.set_terminated(made)
    where, names = ("--store", uri, "--experiment", "theirs"), ("--names", "loss=val_loss,tokens_per_step=4096,params=n_params")
    reported = answer("report", *where, *names, "--out", "out")["runs"]
    assert [(each["params"], each["tokens"]) for each in reported] == [(n * 1_000_000, 2000 * 4096) for n in (1, 2, 4, 8)]
    assert answer("fit", *where, *names, "--resamples", 0)["runs"] == 4
    advised = run("advise", "--store", uri, "--run", made, *names, "--planned", "1e8", "--json")
    assert advised.exit_code == 0, advised.output
    brought = answer("import", uri, *names, "--store", "kept/", "--experiment", "e", "--yes")
    assert brought["written"] == 4
    again = answer("import", uri, *names, "--store", "kept/", "--experiment", "e", "--yes")
    assert again["written"] == 0
    kept = sorted((each.params, each.tokens, each.loss) for each in load("kept/", "e"))
    assert kept == [(each["params"], each["tokens"], each["loss"]) for each in reported]
