"""What a ladder shows, on runs whose law is known."""

import numpy as np
import pytest

from lightning_scaling import Curve, RunRecord, RunState
from lightning_scaling.ladder.findings import MORE, AtRatio, as_json, findings
from lightning_scaling.run.conventions import Conventions

WIDTHS = np.array([16, 24, 32, 40, 48, 64])
SIZES = (256 * WIDTHS + 36 * WIDTHS**2).tolist()


def surface(params, tokens):
    return 0.6 + 60 / params**0.4 + 160 / tokens**0.4


def run(params, tokens_per_param=30.0, name="", loss=None, **other):
    tokens = params * tokens_per_param
    ends = np.array([0.25, 0.5, 1.0]) * tokens
    losses = surface(params, ends) if loss is None else [loss] * 3
    curve = Curve(ends, losses, params=params)
    return RunRecord(name or str(params), curve, curve.flops, state=RunState.FINISHED, name=name, **other)


SIZED = [run(n) for n in SIZES]
LENGTHS = [run(SIZES[0], 240.0, "long"), run(SIZES[3], 3.0, "short"), run(SIZES[4], 3.0, "shorter")]


@pytest.fixture(scope="module")
def found():
    return findings(SIZED, LENGTHS)


def test_the_largest_is_predicted_within_its_interval(found):
    largest = found.largest
    assert largest.params == SIZES[-1]
    assert largest.low < largest.observed < largest.high
    assert abs(largest.error) < 0.02


def test_the_largest_itself_plays_no_part_in_its_prediction(found):
    other = findings([*SIZED[:-1], run(SIZES[-1], loss=9.0)], LENGTHS).largest
    assert (other.loss, other.low, other.high) == (found.largest.loss, found.largest.low, found.largest.high)


def test_the_order_of_runs_does_not_matter(found):
    assert findings(SIZED[::-1], LENGTHS).largest == found.largest


def test_ten_times_the_compute_is_spent_whole(found):
    best = found.best
    assert 6 * best.params * best.tokens == pytest.approx(MORE * SIZED[-1].spent, rel=1e-9)


def test_one_ratio_alone_does_not_place_the_optimum():
    alone = findings(SIZED)
    assert not alone.identified
    assert alone.bracket is None
    assert alone.best.tokens / alone.best.params == pytest.approx(30)


def test_lengths_that_identify_the_surface_place_the_optimum(found):
    # noise-free runs of this law: its constants come back, and with them the optimum
    assert found.identified
    assert found.surface.alpha == pytest.approx(0.4, rel=1e-3)
    assert found.best.tokens / found.best.params == pytest.approx((160 / 60) ** (1 / 0.4), rel=1e-2)


def test_runs_worse_on_both_sides_bracket_the_best_ratio(found):
    assert found.bracket == pytest.approx((3.0, 240.0))
    assert min(found.excess.values()) > 0


def test_a_better_run_of_another_length_breaks_the_bracket():
    assert findings(SIZED, [*LENGTHS[1:], run(SIZES[0], 240.0, "long", loss=0.5)]).bracket is None


def test_the_assumed_split_keeps_the_ratio_and_the_law(found):
    best = AtRatio(found.frontier, 30.0).optimum(1e12)
    assert best.tokens / best.params == pytest.approx(30)
    assert best.loss_interval[0] < best.loss < best.loss_interval[1]


def test_runs_of_different_conventions_are_not_fitted_together():
    with pytest.raises(ValueError, match="different conventions"):
        findings(SIZED, [run(SIZES[0], 240.0, "other", conventions=Conventions(params="non_embedding"))])


def test_the_document_is_plain_json(found):
    import json

    document = json.loads(json.dumps(as_json(found)))
    assert [row["name"] for row in document["runs"]][-1] == str(SIZES[-1])
    assert document["ten_times"]["identified"] is True
