"""Runs brought into a store: nothing before it is agreed, nothing twice, what was skipped with its reason."""

import json

import pytest
from click.testing import CliRunner
from importers_truth import HEADER, LOSS, ROWS, STEPS

from lightning_scaling.cli import main
from lightning_scaling.importers import Options, read_run
from lightning_scaling.importers.records import Action, preview, record_of


@pytest.fixture
def log(file):
    return file("gpt-small/metrics.csv", [HEADER, *ROWS])


def items(path, there=(), **options):
    return preview([read_run(path, Options(**options))], there)


def test_the_same_run_is_found_again_whatever_its_file_is_called(file, log):
    there = [items(log)[0].record]
    assert items(file("copy.csv", [HEADER, *ROWS]), there)[0].action is Action.THERE


def test_a_log_that_has_grown_is_the_same_run(file):
    early = items(file("run.csv", [HEADER, *ROWS[:30]]))[0].record
    item = items(file("run.csv", [HEADER, *ROWS]), [early])[0]
    assert (item.action, item.record.key) == (Action.GROWN, early.key)


def test_the_same_run_twice_in_one_import_is_brought_in_once(log):
    both = preview([read_run(log), read_run(log)], [])
    assert [each.action for each in both] == [Action.NEW, Action.THERE]


def test_a_run_that_counts_steps_never_meets_one_that_counts_tokens(log):
    steps, tokens = record_of(read_run(log)), record_of(read_run(log, Options(tokens_per_step=512)))
    assert steps.conventions.differences(tokens.conventions) == ["tokenizer: steps against None"]


def test_flops_are_6nd_where_n_is_known(log):
    record = record_of(read_run(log, Options(tokens_per_step=512)), params=1000)
    assert record.flops[-1] == 6 * 1000 * 2000 * 512


def test_a_run_that_stopped_before_the_length_in_its_log_was_interrupted(file):
    state = {"max_steps": 4000, "log_history": [{"step": int(s), "loss": float(x)} for s, x in zip(STEPS, LOSS, strict=True)]}
    half = record_of(read_run(file("a/trainer_state.json", json.dumps(state))))
    whole = record_of(read_run(file("b/trainer_state.json", json.dumps({**state, "max_steps": 2000}))))
    assert (half.ended, half.planned_tokens, whole.ended) == (False, 4000, True)


def test_the_preview_names_what_was_chosen_and_left_out(file, tmp_path):
    for name in ("a.log", "b.log"):
        file(name, ["hello", *(f"step {s} loss=9.0 (val={x})" for s, x in zip(STEPS, LOSS, strict=True))])
    shown = CliRunner().invoke(main, ["import", f"{tmp_path}/*.log", "--store", f"{tmp_path}/kept"]).stdout
    assert "a.log and 1 more: loss (50 points) is not followed\n" in shown
    assert "a.log and 1 more: skipped rows (no step with a loss or a learning rate)\n" in shown


def test_the_command_shows_asks_and_writes_nothing_twice(log, file, tmp_path):
    bad = file("ppl.csv", "step,val_ppl\n1,30\n2,20\n")
    to = f"--store sqlite:///{tmp_path}/runs.db --experiment e --params 1M --tokens-per-step 512"
    words = ["import", log, bad, *to.split()]
    asked = CliRunner().invoke(main, words)
    assert (asked.exit_code, (tmp_path / "runs.db").exists()) == (2, False)
    assert "add --yes" in asked.stderr
    first = json.loads(CliRunner().invoke(main, [*words, "--yes", "--json"]).stdout)
    assert (first["written"], [run["action"] for run in first["runs"]]) == (1, ["NEW", "SKIPPED"])
    assert "ppl.csv" in first["runs"][1]["reason"]
    again = json.loads(CliRunner().invoke(main, [*words, "--yes", "--json"]).stdout)
    assert (again["written"], again["runs"][0]["action"]) == (0, "THERE")
    from lightning_scaling.store import load

    (record,) = load(f"sqlite:///{tmp_path}/runs.db", ["e"])
    assert (record.tokens, record.loss, record.params, record.name) == (2000 * 512, LOSS[-1], 1_000_000, "gpt-small")
