"""Early decisions, on real trainings: what ends early, how it enters the law, what is added for what was saved."""

import contextlib
import json
import math

import pytest
import yaml
from click.testing import CliRunner
from ladder_parts import SIZES, InProcess

from lightning_scaling import Curve, RunRecord
from lightning_scaling.cli import main
from lightning_scaling.ladder.design_file import read_design
from lightning_scaling.ladder.early_account import account, size_near, stopped_early, with_added
from lightning_scaling.ladder.run_ladder import run_ladder, run_rounds
from lightning_scaling.laws.finished_runs import finished
from lightning_scaling.run.early_end import EarlyEnd, early_end
from lightning_scaling.run.finished import why_left_out

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("one_thread")]

WIDTHS, STEPS = (8, 16, 24), (60, 120)
RATES = {"matrix_lr": {"at": 0.192, "width": -1}, "embedding_lr": 0.02}
TOO_HIGH = {"matrix_lr": {"at": 57.6, "width": -1}, "embedding_lr": 6.0}

LAW = {"E": 0.6, "A": 30.0, "B": 60.0, "alpha": 0.6, "beta": 0.6}


def cells():
    good = [{"width": width, "depth": 1, "context": 32, "steps": steps} for width in WIDTHS for steps in STEPS]
    ill = {"runs": [{**SIZES[0], "steps": 150, "name": "ill"}], "hyper": TOO_HIGH, "evaluations": 30}
    return [{"runs": good}, {**ill, "schedule": {"shape": "wsd", "warmup": 5}}]


def changes(**more):
    return {"cells": cells(), "schedule": {"shape": "cosine", "warmup": 5}, "evaluations": 20, "noise": 0.02, "law": LAW, **more}


def trained(design):
    return run_rounds(design, InProcess, lambda each: contextlib.nullcontext(lambda progress: None))


@pytest.fixture(scope="module")
def ladder(tmp_path_factory, tiny):
    """A design, the same with what was added, and its records."""
    folder = tmp_path_factory.mktemp("early")
    design = read_design(tiny(folder, **changes(early=0.05)))
    return design, *trained(design), folder


def ends(ladder):
    return {each.cell.name: each for each in stopped_early(ladder[1], ladder[2])}


@pytest.mark.slow
def test_cells_whose_end_is_known_are_ended_before_their_budget(ladder):
    settled = [each for each in ends(ladder).values() if each.end.settled]
    assert settled
    for each in settled:
        assert 0 < each.tokens < each.cell.tokens
        assert each.end.spread <= 0.05
        assert each.saved_flops == 6 * each.cell.params * (each.cell.tokens - each.tokens)


@pytest.mark.slow
def test_a_cell_at_a_far_too_high_rate_is_ended_and_left_out_of_the_law(ladder):
    assert ends(ladder)["ill"].end.reason == "INVESTIGATE"
    runs = finished(ladder[2].values())
    assert [name for name, _ in runs.left_out] == ["ill"]
    assert "INVESTIGATE" in runs.left_out[0][1]


@pytest.mark.slow
def test_a_settled_cell_enters_the_law_at_its_budget_with_its_forecast_end(ladder):
    records = ladder[2]
    runs = finished(records.values())
    for each in (e for e in ends(ladder).values() if e.end.settled):
        at = runs.keys.index(each.cell.id)
        assert (runs.tokens[at], runs.loss[at]) == (each.cell.tokens, each.end.loss)
        assert runs.flops[at] == pytest.approx(each.cell.flops)
        assert runs.weights[at] == each.weight < 1
    assert any("forecast of their end" in line for line in runs.warnings)


@pytest.mark.slow
def test_the_forecast_end_is_where_the_whole_run_ends(ladder, tmp_path, tiny):
    each = next(e for e in ends(ladder).values() if e.end.settled)
    run = {**each.cell.size, "steps": each.cell.steps}
    plain = read_design(tiny(tmp_path, **changes(cells=[{"runs": [run]}])))
    assert plain.cells[0].id == each.cell.id
    (record,) = run_ladder(plain, InProcess()).values()
    assert record.tokens_trained == each.cell.tokens
    assert abs(math.log(record.loss / each.end.loss)) < 3 * each.end.spread


@pytest.mark.slow
def test_what_is_saved_goes_to_runs_that_the_law_asks_for(ladder):
    design, whole, records, _ = ladder
    found = account(whole, records)
    assert found.added
    assert found.added_flops <= 1.5 * found.saved_flops  # a size is the nearest that can be made, a length a whole number of steps
    assert {cell.id for cell in found.added} == {cell.id for cell in whole.cells} - {cell.id for cell in design.cells}
    assert {cell.id for cell in found.added} <= set(records)
    assert all(cell.size["depth"] == 1 and cell.family == design.cells[0].family for cell in found.added)


@pytest.mark.slow
def test_the_cost_in_certainty_is_stated_beside_the_plain_design(ladder):
    found = account(ladder[1], ladder[2])
    assert found.plain.alpha < found.ended.alpha
    assert found.spent.alpha < found.ended.alpha
    assert found.plain.flops == found.ended.flops == found.spent.flops


@pytest.mark.slow
def test_a_second_call_trains_nothing_and_adds_nothing(ladder):
    design, whole, records, _ = ladder
    again, same = trained(design)
    assert again.cells == whole.cells
    assert {key: r.extra["seconds"] for key, r in same.items()} == {key: r.extra["seconds"] for key, r in records.items()}
    assert with_added(design).cells == whole.cells


@pytest.mark.slow
def test_the_command_line_states_what_was_saved_and_what_it_cost(ladder, tiny):
    _, whole, _, folder = ladder
    path = folder / "design.yaml"
    path.write_text(yaml.safe_dump(tiny(folder, **changes())))
    call = ("ladder", "run", str(path), "--early", "--set", "early=0.05")
    document = json.loads(CliRunner().invoke(main, [*call, "--json"]).stdout)["early"]
    assert document["saved"]["flops"] == sum(each["saved_flops"] for each in document["stopped"]) > 0
    text = CliRunner().invoke(main, call).output
    for words in ("Ended early:", "left out of the law", "Saved:", "every cell to its end", "with what was added"):
        assert words in text
    status = json.loads(CliRunner().invoke(main, ["ladder", "status", str(path), "--json"]).output)
    assert len(status["cells"]) == len(whole.cells)
    assert {cell["state"] for cell in status["cells"]} == {"finished", "stopped early"}


def record(end, tokens=40):
    curve = Curve([tokens / 2, tokens], [3.0, 2.9], params=1000)
    return RunRecord("k", curve, 6000 * curve.tokens, planned_tokens=100, ended=True, extra={"early": end.to_json()})


@pytest.mark.parametrize(
    ("end", "point"),
    [
        (EarlyEnd("settled", "", 100, 0.01, 2.5, 2.49, 2.51), (100, 2.5)),
        (EarlyEnd("settled", "", 100, 0.01, 2.5, 2.49, 2.51, constant=True), (40, 2.9)),
        (EarlyEnd("STOP", "", 100, constant=True), (40, 2.9)),
    ],
)
def test_what_an_early_end_is_in_a_law(end, point):
    runs = finished([record(end)])
    assert (runs.tokens[0], runs.loss[0]) == point


@pytest.mark.parametrize(
    "end", [EarlyEnd("STOP", "", 100), EarlyEnd("INVESTIGATE", "", 100), EarlyEnd("INVESTIGATE", "", 100, constant=True)]
)
def test_a_run_interrupted_before_its_decay_is_no_finished_run(end):
    assert end.reason in why_left_out(record(end))
    assert early_end(record(end)) is not None


def test_a_size_that_was_not_in_the_design_is_made_like_those_that_were(tmp_path, tiny):
    design = read_design(tiny(tmp_path, **changes()))
    assert size_near(design, 60_000)["depth"] == 1
    assert size_near(design, 60_000)["width"] > max(WIDTHS)


def test_early_is_true_false_or_a_share(tmp_path, tiny):
    assert [read_design(tiny(tmp_path, noise=0.02, early=given)).early for given in (True, False, 0.01)] == [0.02, None, 0.01]
    with pytest.raises(ValueError, match="early: must be true, false"):
        read_design(tiny(tmp_path, early=2))
