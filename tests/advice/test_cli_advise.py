"""`lightning-scaling advise` on files and on a store."""

import csv
import json

import pytest
from click.testing import CliRunner

from lightning_scaling import RunRecord
from lightning_scaling.cli import main

END = 100_000_000


def called(*arguments):
    return CliRunner().invoke(main, ["advise", *map(str, arguments)])


@pytest.fixture
def file(make_run, tmp_path):
    def written(**course):
        run, path = make_run(**course), tmp_path / "curve.csv"
        rows = [[s, t, y, run.schedule.at(s)] for s, t, y in zip(run.step, run.tokens, run.loss, strict=True)]
        rows += [[s, s * END / 1000, "", run.schedule.at(s)] for s in range(int(run.step[-1]) + 5, 1001, 5)]
        with path.open("w", newline="") as out:
            csv.writer(out).writerows([["step", "tokens", "val_loss", "lr"], *rows])
        return path

    return written


def test_a_csv_gets_the_advice_of_the_library(file):
    document = json.loads(called(file(rate="cosine", until=0.6), "--planned", "1e8", "--json").stdout)
    assert (document["verdict"], document["reason"]) == ("CONTINUE", "DECAY_TO_COME")
    assert {option["name"] for option in document["options"]} == {"continue", "as much again"}


def test_it_prints_the_verdict_the_sentence_and_the_options(file):
    text = called(file(rate="constant", until=0.9), "--planned", "100M", "--params", "1M").stdout
    assert "\nDECAY_NOW: decay the learning rate now" in text
    assert "tokens per parameter" in text
    assert "as much again" in text


def test_the_user_s_terms_reach_the_verdict(file):
    path = file(rate="cosine", until=0.6)
    target = called(path, "--planned", "1e8", "--target-loss", "9", "--json").stdout
    assert json.loads(target)["reason"] == "TARGET_REACHED"
    repeated = called(path, "--planned", "1e8", "--unique-tokens", "3e6", "--json").stdout
    assert json.loads(repeated)["verdict"] == "FRESH_DATA"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give one run"),
        (["missing.csv", "--planned", "1e9"], "missing.csv"),
        (["CURVE"], "--planned"),
        (["CURVE", "--planned", "many"], "--planned"),
        (["CURVE", "--planned", "1e8", "--law", "mine"], "no published law"),
        (["CURVE", "--planned", "1e8", "--target-loss", "nan"], "target_loss must be a finite number"),
        (["CURVE", "--planned", "1e8", "--served", "1e9"], "give --target-loss"),
        (["CURVE", "--planned", "1e8", "--loss-column", "perplexity"], "no column 'perplexity'"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(file, arguments, message):
    path = file(until=0.6)
    done = called(*[path if each == "CURVE" else each for each in arguments])
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_loss_written_as_nan_is_one_that_broke(tmp_path):
    path = tmp_path / "broken.csv"
    rows = [f"{1e6 * (i + 1)},{3 / (i + 1) ** 0.1 if i < 40 else 'nan'}" for i in range(45)]
    path.write_text("\n".join(["tokens,my_loss", *rows]))
    document = json.loads(called(path, "--planned", "1e8", "--loss-column", "my_loss", "--json").stdout)
    assert (document["verdict"], document["reason"]) == ("INVESTIGATE", "NOT_FINITE")


def test_a_larger_model_is_named_with_the_law_it_rests_on(file):
    text = called(file(rate="constant", until=0.6), "--planned", "100M", "--params", "1k", "--law", "besiroglu2024").stdout
    assert "from nothing (by besiroglu2024)" in text


def test_help_shows_an_example():
    assert "lightning-scaling advise curve.csv --planned 2e9" in called("--help").stdout


@pytest.fixture
def stored(make_run, tmp_path):
    """Records a run that is 60 % through its token budget in a store; answers with the store's address and the run's id."""
    pytest.importorskip("mlflow")
    from lightning_scaling.store import open_recorder

    def left(status):
        run, uri = make_run("cosine", 0.6), f"sqlite:///{tmp_path}/mlflow.db"
        recorder = open_recorder(uri, "key-1", experiment="advice", spool_dir=tmp_path / "spool")
        recorder.record(RunRecord("key-1", run, 6.0 * run.params * run.tokens, planned_tokens=END, family="gpt"))
        recorder.close(status, timeout=60)
        return uri, recorder.run_id

    return left


def test_a_run_in_a_store_is_judged_by_what_the_store_knows(stored):
    uri, run_id = stored("FINISHED")
    document = json.loads(called("--store", uri, "--run", run_id[:12], "--json").stdout)
    assert document["verdict"] == "CONTINUE"
    assert document["facts"]["planned_tokens"] == END
    assert called("--store", uri, "--run", "nothing").exit_code == 2


def test_a_run_that_still_goes_gets_its_verdict(stored):
    uri, run_id = stored(None)
    assert called("--store", uri, "--run", run_id).stdout.startswith("CONTINUE: ")


def test_a_target_below_every_possible_loss_is_one_line(file):
    done = called(file(rate="cosine", until=0.6), "--planned", "100M", "--target-loss", "-2")
    assert done.exit_code == 2
    assert "−2.000 is never reached" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
