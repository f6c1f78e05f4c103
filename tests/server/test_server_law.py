"""What is told of the fits, and the planner's answers."""

import json

import numpy as np
import pytest
from lightning_scaling.report.fits import Fits, fits

from lightning_scaling.server.law import law

SIZES = (1_000_000, 2_000_000, 4_000_000, 8_000_000)


@pytest.fixture
def grid(make_run):
    return [make_run(n, ratio, run_id=f"{n}-{ratio}") for n in SIZES for ratio in (10, 40)]


def test_the_planner_answers_with_the_fitted_optimum(grid):
    found = fits(grid)
    planner = law(grid, found)["planner"]
    at = planner["start"]
    best = found.law.optimum(planner["flops"][at])
    assert planner["fitted"]["params"][at] == pytest.approx(best.params, rel=1e-5)
    assert planner["fitted"]["lossLow"][at] <= planner["fitted"]["loss"][at] <= planner["fitted"]["lossHigh"][at]
    assert 6 * planner["fitted"]["params"][at] * planner["fitted"]["tokens"][at] == pytest.approx(planner["flops"][at], rel=1e-4)


def test_published_laws_stand_beside_with_their_source(grid):
    presets = law(grid, Fits())["planner"]["presets"]
    assert "Hoffmann 2022" in [each["name"] for each in presets]
    assert all(each["source"] for each in presets)


def test_without_runs_the_presets_still_answer():
    told = law([], fits([]))
    assert told["planner"]["fitted"] is None
    assert told["planner"]["presets"]
    assert told["frontier"] is None
    assert told["outcomes"][0]["refused"]


def test_runs_of_one_ratio_have_a_law_of_compute_and_no_split(make_run):
    ladder = [make_run(n, 20, run_id=str(n)) for n in SIZES]
    told = law(ladder, fits(ladder))
    assert told["planner"]["fitted"] is None
    assert told["planner"]["compute"]["loss"]
    assert np.diff(told["frontier"]["loss"]).max() < 0


def test_all_of_it_is_json(grid):
    json.dumps(law(grid, fits(grid)), allow_nan=False)
