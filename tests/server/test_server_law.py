"""The page's laws, the planner's answers, and what the law cache is keyed by."""

import json
from dataclasses import replace

import numpy as np
import pytest

from lightning_scaling.laws import fit_runs
from lightning_scaling.server import law_cache
from lightning_scaling.server.law import law
from lightning_scaling.server.law_cache import LawCache

SIZES = (1_000_000, 2_000_000, 4_000_000, 8_000_000)


@pytest.fixture
def grid(make_run):
    return [make_run(n, ratio, run_id=f"{n}-{ratio}") for n in SIZES for ratio in (10, 40)]


def test_the_planner_answers_with_the_fitted_optimum(grid):
    found = fit_runs(grid)
    planner = law(grid, found)["planner"]
    at = planner["start"]
    best = found.optimum(planner["flops"][at])
    assert planner["fitted"]["params"][at] == pytest.approx(best.params, rel=1e-5)
    assert planner["fitted"]["lossLow"][at] <= planner["fitted"]["loss"][at] <= planner["fitted"]["lossHigh"][at]
    assert 6 * planner["fitted"]["params"][at] * planner["fitted"]["tokens"][at] == pytest.approx(planner["flops"][at], rel=1e-4)


def test_published_laws_stand_beside_with_their_source(grid):
    presets = law(grid, fit_runs(()))["planner"]["presets"]
    assert "Hoffmann 2022" in [each["name"] for each in presets]
    assert all(each["source"] for each in presets)


def test_without_runs_the_presets_still_answer():
    answer = law([], fit_runs(()))
    assert answer["planner"]["fitted"] is None
    assert answer["planner"]["presets"]
    assert answer["frontier"] is None
    assert answer["outcomes"][0]["refused"]


def test_runs_of_one_ratio_have_a_law_of_compute_and_no_split(make_run):
    ladder = [make_run(n, 20, run_id=str(n)) for n in SIZES]
    answer = law(ladder, fit_runs(ladder))
    assert answer["planner"]["fitted"] is None
    assert answer["planner"]["compute"]["loss"]
    assert np.diff(answer["frontier"]["loss"]).max() < 0


def test_all_of_it_is_json(grid):
    json.dumps(law(grid, fit_runs(grid)), allow_nan=False)


def test_a_corrected_size_changes_the_law(grid):
    cache = LawCache()
    before = cache.of(grid)["surfaceLines"]
    corrected = [replace(r, curve=replace(r.curve, params=r.params * 2)) if i == 0 else r for i, r in enumerate(grid)]
    assert cache.of(corrected)["surfaceLines"] != before


def test_the_budgets_belong_to_the_experiment_on_the_page(make_run):
    """Two experiments without a finished run share no answer."""
    cache = LawCache()
    small, large = ([make_run(n, 20, seen=0.5, run_id=str(n), experiment=str(n))] for n in (1_000_000, 64_000_000))
    answers = [cache.of(runs) for runs in (small, large)]
    assert [a["planner"]["largest"] for a in answers] == [small[0].spent, large[0].spent]
    assert answers[0]["sentences"]["cost"] != answers[1]["sentences"]["cost"]


def test_a_run_in_progress_moves_the_cost_and_not_the_fit(grid, make_run, monkeypatch):
    fitted = []
    monkeypatch.setattr(law_cache, "fit_or_explain", lambda records, **how: fitted.append(1) or fit_runs(records))
    cache = LawCache()
    first, later = (cache.of([*grid, make_run(16_000_000, 20, seen=seen, run_id="running")]) for seen in (0.4, 0.6))
    assert len(fitted) == 1
    assert first["sentences"]["cost"] != later["sentences"]["cost"]
    assert first["surfaceLines"] == later["surfaceLines"]


def test_runs_with_one_validation_each_have_a_law(grid):
    single = [replace(r, curve=r.curve.take(slice(len(r.curve) - 1, None)), flops=r.flops[-1:]) for r in grid]
    assert law(single, fit_runs(single))["surfaceLines"]


def test_unfinished_runs_enter_the_law_on_request(grid, make_run):
    cache, runs = LawCache(), [*grid, make_run(16_000_000, 20, seen=0.5, run_id="running")]
    without, counted = cache.of(runs), cache.of(runs, unfinished=True)
    assert without["surfaceLines"] == cache.of(grid)["surfaceLines"]
    assert counted["surfaceLines"] != without["surfaceLines"]
