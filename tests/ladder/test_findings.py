"""What a ladder shows, on runs whose law is known."""

import json

import numpy as np
import pytest

from lightning_scaling import Curve, RunRecord, RunState
from lightning_scaling.ladder.findings import MORE, as_json, findings
from lightning_scaling.laws import Surface
from lightning_scaling.run.conventions import Conventions

LAW = Surface(0.6, 60.0, 160.0, 0.4, 0.4)
SIZES = [256 * width + 36 * width**2 for width in (16, 24, 32, 40, 48, 64)]
BUDGETS = (6e10, 1.8e11, 5.4e11)


def run(params, flops, name="", loss=None, family="own", **extra):
    tokens = flops / 6 / params
    ends = np.array([0.25, 0.5, 1.0]) * tokens
    losses = LAW.predict(params, ends) if loss is None else [loss] * 3
    curve = Curve(ends, losses, params=params)
    more = dict(state=RunState.FINISHED, name=name, family=family, extra=extra)
    return RunRecord(name or f"{params} {flops:g}", curve, curve.flops, **more)


RUNS = [run(n, c, trunk=str(n), shared_tokens=0 if c == BUDGETS[-1] else 0.8 * c / 6 / n) for c in BUDGETS for n in SIZES]
LARGER = run(SIZES[-1], 1.62e12, "larger")
ILL = run(SIZES[0], 1e10, "ill", 5.0, family="ill")


@pytest.fixture(scope="module")
def found():
    return findings([*RUNS, LARGER, ILL], "own")


def test_the_largest_is_predicted_within_its_interval(found):
    assert found.largest.flops == LARGER.spent
    assert found.largest.low < found.largest.observed < found.largest.high


def test_the_largest_itself_plays_no_part_in_its_prediction(found):
    other = findings([*RUNS, run(SIZES[-1], 1.62e12, "larger", 9.0)], "own").largest
    assert (other.loss, other.low, other.high) == (found.largest.loss, found.largest.low, found.largest.high)


def test_runs_that_are_ill_play_no_part_in_the_law(found):
    assert found.beside == (ILL,)
    assert found.surface.alpha == findings([*RUNS, LARGER], "own").surface.alpha


def test_the_constants_come_back_and_with_them_the_optimum(found):
    assert found.identified
    assert found.surface.alpha == pytest.approx(0.4, rel=1e-3)
    assert found.best.tokens / found.best.params == pytest.approx((160 / 60) ** (1 / 0.4), rel=1e-2)
    assert 6 * found.best.params * found.best.tokens == pytest.approx(MORE * LARGER.spent, rel=1e-9)


def test_branches_of_one_trunk_are_resampled_together(found):
    assert found.fit.runs.groups is not None
    assert len(set(found.fit.runs.groups)) == len(SIZES) + 1


def test_the_bill_counts_what_is_shared_once(found):
    shared = 0.8 * sum(len(SIZES) * c for c in BUDGETS[:-1])
    assert found.paths_flops - found.computed_flops == pytest.approx(shared)


def test_one_budget_does_not_place_the_optimum():
    alone = findings([run(n, 20 * 6 * n * n) for n in SIZES], "own")
    assert not alone.identified
    assert alone.best is None


def test_next_runs_cost_no_more_than_the_largest(found):
    assert 0 < sum(run.flops for run in found.proposed.runs) <= LARGER.spent * 1.001


def test_runs_of_different_conventions_are_not_fitted_together():
    from dataclasses import replace

    with pytest.raises(ValueError, match="different conventions"):
        findings([*RUNS, replace(LARGER, conventions=Conventions(params="non_embedding"))], "own")


def test_the_document_is_plain_json(found):
    document = json.loads(json.dumps(as_json(found)))
    assert [row["name"] for row in document["runs"]][-1] == "larger"
    assert document["identified"] is True
    assert len(document["approaches"]) >= 3
