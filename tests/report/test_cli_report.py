"""`lightning-scaling report` on a real MLflow store in a file."""

import json

import pytest
from click.testing import CliRunner

from lightning_scaling.cli import main

# MLflow and SQLAlchemy warn of their own deprecations; what this package does is tested with warnings as errors elsewhere
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def store(tmp_path_factory, ladder):
    from lightning_scaling.store import open_recorder

    folder = tmp_path_factory.mktemp("store")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    for run in ladder[:4]:
        recorder = open_recorder(uri, run.key, experiment="ladder", run_name=run.name, spool_dir=folder / "spool")
        recorder.record(run)
        recorder.close("FINISHED", timeout=60)
    return uri


def test_json_is_one_document_with_every_run_and_the_page(store, tmp_path, ladder):
    done = CliRunner().invoke(main, ["report", "--experiment", "ladder", "--store", store, "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert [r["params"] for r in document["runs"]] == [r.params for r in ladder[:4]]
    assert (tmp_path / "report.html").exists()


def test_watching_prints_the_tables_and_writes_a_page_that_reloads_itself(store, tmp_path, monkeypatch):
    waited = []

    def interrupted(seconds):
        waited.append(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupted)
    monkeypatch.setenv("COLUMNS", "120")
    done = CliRunner().invoke(main, ["report", "--experiment", "ladder", "--store", store, "--out", str(tmp_path), "--watch", "30"])
    assert done.exit_code == 0, done.output
    assert waited == [30]
    assert "stopped watching; the last report is" in done.stdout.splitlines()[-1]
    assert "gpt-90k" in done.stdout
    assert 'http-equiv="refresh" content="30"' in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_an_unknown_experiment_is_one_line_and_exit_code_2(store, tmp_path):
    done = CliRunner().invoke(main, ["report", "--experiment", "nowhere", "--store", store, "--out", str(tmp_path)])
    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_watching_and_json_exclude_each_other(store, tmp_path):
    done = CliRunner().invoke(main, ["report", "--experiment", "ladder", "--store", store, "--watch", "5", "--json"])
    assert done.exit_code == 2
    assert "--watch" in done.stderr


def test_the_law_and_its_report_become_a_run_that_links_its_members(store, tmp_path):
    from mlflow import MlflowClient

    done = CliRunner().invoke(main, ["report", "--experiment", "ladder", "--store", store, "--out", str(tmp_path), "--log", "--json"])
    assert done.exit_code == 0, done.output
    client, run_id = MlflowClient(store), json.loads(done.stdout)["study_run"]
    run = client.get_run(run_id)
    assert run.data.tags["scaling.kind"] == "study"
    assert "gpt-90k" in run.data.tags["mlflow.note.content"]
    assert {"report.html", "figures", "members.json"} <= {f.path for f in client.list_artifacts(run_id)}


def test_watching_records_no_study_a_turn(store):
    done = CliRunner().invoke(main, ["report", "--experiment", "ladder", "--store", store, "--watch", "5", "--log"])
    assert done.exit_code == 2


@pytest.mark.slow
def test_runs_of_other_programs_are_reported_by_the_mapping_of_the_page(tmp_path):
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = MlflowClient(uri)
    number = client.create_experiment("other")
    for params in (1_000, 2_000, 4_000):
        run = client.create_run(number, run_name=f"plain-{params}").info.run_id
        client.log_param(run, "n", params)
        for step in range(1, 9):
            client.log_metric(run, "val_loss", 2 + (1e3 / (params * step)) ** 0.5, step=step)
        client.set_terminated(run)
    mapping = ["--names", "loss=val_loss,tokens_per_step=1k,params=n"]
    ran = CliRunner().invoke(main, ["report", "--experiment", "other", "--store", uri, "--out", str(tmp_path / "out"), "--json", *mapping])
    assert ran.exit_code == 0, ran.output
    assert [run["params"] for run in json.loads(ran.stdout)["runs"]] == [1_000, 2_000, 4_000]
