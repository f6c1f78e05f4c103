"""A ladder on the local engine with real trainings: failures cost their own cell, and what is finished is not trained again."""

import math

import pytest
from ladder_parts import SIZES

from lightning_scaling.ladder.design_file import read_design
from lightning_scaling.ladder.pool import Pool
from lightning_scaling.ladder.recorded import recorded
from lightning_scaling.ladder.run_ladder import run_ladder
from lightning_scaling.ladder.status import status

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def six(tmp_path_factory, tiny):
    """Six cells: one always raises, one raises at first, one is killed at first, a trunk with a branch, and one that is well."""
    folder = tmp_path_factory.mktemp("six")
    document = tiny(folder, builder="ladder_parts:build", retries=1, checkpoint_seconds=0.2)
    document["arguments"] = {**document["arguments"], "folder": str(folder)}
    single = [{**SIZES[0], "steps": 20 + i, "name": name} for i, name in enumerate(("raises", "raises once", "dies", "well"))]
    document["cells"] = [{"runs": single}, {"runs": [{**SIZES[1], "steps": steps} for steps in (30, 60)], "branches": True}]
    design, shown = read_design(document), []
    records = run_ladder(design, Pool(1, 2), lambda progress: shown.append(dict(progress.failed)))
    return design, records, shown


def names(design, records):
    return sorted(cell.name for cell in design.cells if cell.id in records)


def test_a_failing_cell_does_not_stop_the_others(six):
    design, records, _ = six
    assert names(design, records) == ["dies", "raises once", "w16 30 steps", "w16 60 steps", "well"]


def test_budgets_are_exact_to_the_step(six):
    design, records, _ = six
    assert {cell.name: records[cell.id].tokens_trained for cell in design.cells if cell.id in records} == {
        cell.name: cell.steps * 64 for cell in design.cells if cell.id in records
    }


def test_the_status_states_the_error_and_the_attempts(six):
    found = {each.cell.name: each for each in status(six[0]).cells}
    assert (found["raises"].state, found["raises"].attempt) == ("failed", 2)
    assert "RuntimeError: this size does not fit (ladder_parts.py:" in found["raises"].error
    assert (found["raises once"].state, found["raises once"].attempt, found["raises once"].error) == ("finished", 2, "")
    assert (found["dies"].state, found["dies"].attempt) == ("finished", 2)


def test_a_process_that_was_killed_is_a_failure_of_its_cells(six):
    design, _, shown = six
    dies = next(cell.id for cell in design.cells if cell.name == "dies")
    assert any("killed by SIGKILL" in failed.get(dies, "") for failed in shown)


def test_the_time_left_of_a_finished_ladder_is_that_of_its_failed_cell(six):
    found = status(six[0], lanes=1)
    assert 0 < found.seconds_left < math.inf
    assert found.share == pytest.approx(1 - six[0].cells[0].computed_flops / six[0].computed_flops)


def test_running_it_again_trains_only_what_failed(six):
    design, records, _ = six
    before = {key: record.extra["seconds"] for key, record in records.items()}
    again = run_ladder(design, Pool(1, 2))
    assert {key: record.extra["seconds"] for key, record in again.items()} == before
    assert len(recorded(design)) == len(design.cells)
