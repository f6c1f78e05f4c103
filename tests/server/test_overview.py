"""Runs as columns for the picture of all."""

import json

import numpy as np
import pytest

from lightning_scaling.report.sample import MOST_POINTS
from lightning_scaling.report.study import Study
from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord
from lightning_scaling.server.overview import overview
from lightning_scaling.store.runs import Rejected


def of(*records, known=None):
    return overview(Study(records), {"7": "sizes"}, known or {})


def test_a_curve_is_thinned_and_keeps_both_ends(make_run):
    run = make_run(1_000_000, 10, experiment="sizes", run_id="a")
    answer = of(run)["runs"]
    assert len(answer["x"][0]) <= MOST_POINTS
    assert (answer["x"][0][0], answer["x"][0][-1]) == (run.curve.tokens[0], run.curve.tokens[-1])
    assert answer["y"][0][-1] == pytest.approx(run.loss, rel=1e-5)
    assert answer["experiment"] == ["7"]


def test_very_many_curves_are_sent_thinner(make_run, monkeypatch):
    runs = [make_run(1_000_000 * (i + 1), 10, run_id=str(i)) for i in range(3)]
    monkeypatch.setattr("lightning_scaling.report.sample._ALL_POINTS", 90)
    assert [len(x) for x in of(*runs)["runs"]["x"]] == [30, 30, 30]
    assert len(of(runs[0])["runs"]["x"][0]) == MOST_POINTS


def test_only_runs_with_another_stamp_come_again(make_run):
    first, second = make_run(1_000_000, 10, run_id="a"), make_run(2_000_000, 10, run_id="b", seen=0.5)
    stamps = dict(zip(*(of(first, second)["runs"][name] for name in ("id", "stamp")), strict=True))
    assert of(first, second, known=stamps)["runs"]["id"] == []
    longer = make_run(2_000_000, 10, run_id="b", seen=0.6)
    assert of(first, longer, known=stamps)["runs"]["id"] == ["b"]


def test_runs_that_are_gone_are_named(make_run):
    assert of(make_run(1_000_000, 10, run_id="a"), known={"z": "1"})["gone"] == ["z"]


def test_flops_of_another_rule_are_sent_point_by_point():
    flops = np.array([1e10, 3e10, 7e10])
    uneven = RunRecord("k", Curve([1e3, 2e3, 3e3], [3.0, 2.5, 2.2], params=10), flops, Conventions(flops="measured"), run_id="a")
    assert of(uneven)["runs"]["c"] == [flops.tolist()]
    even = RunRecord("k", Curve([1e3, 2e3, 3e3], [3.0, 2.5, 2.2], params=10), np.array([6e4, 12e4, 18e4]), run_id="a")
    assert of(even)["runs"]["c"] == [60.0]


def test_what_json_has_no_word_for_is_null():
    broken = RunRecord("k", Curve([1e3, 2e3], [np.nan, np.inf], params=10), np.array([np.nan, np.nan]), run_id="a")
    nothing = RunRecord("n", Curve([], []), np.array([]), run_id="b")
    answer = of(broken, nothing)
    assert answer["runs"]["loss"] == [None, None]
    assert answer["runs"]["x"] == [[], []]
    json.dumps(answer, allow_nan=False)


def test_runs_that_cannot_be_read_come_with_the_reason():
    answer = overview(Study((), (Rejected("a", "plain", "sizes", "no loss"),)), {"7": "sizes"}, {})
    assert answer["broken"] == [{"id": "a", "name": "plain", "experiment": "7", "reason": "no loss", "external": False}]
