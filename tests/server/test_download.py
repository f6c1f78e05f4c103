"""Runs as files."""

import csv
import io
import json

import numpy as np

from lightning_scaling.report.download import points_csv, records_json, runs_csv
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord


def read(lines):
    return list(csv.DictReader(io.StringIO("".join(lines))))


def test_a_line_a_run_with_its_numbers(make_run):
    run = make_run(1_000_000, 10, name='a, b\n"c"', run_id="r")
    (line,) = read(runs_csv([run]))
    assert line["name"].split() == run.name.split()
    assert float(line["flops"]) == run.spent
    assert float(line["loss"]) == run.loss


def test_a_line_a_point(make_run):
    run = make_run(1_000_000, 10, run_id="r")
    lines = read(points_csv([run, run]))
    assert len(lines) == 2 * len(run.curve)
    assert [float(line["loss"]) for line in lines[: len(run.curve)]] == run.curve.loss.tolist()


def test_a_name_is_never_a_formula_for_a_spreadsheet(make_run):
    for name in ("=1+1", "@SUM(A1)", "+1", "-1"):
        assert read(runs_csv([make_run(1_000_000, 10, name=name)]))[0]["name"] == "'" + name


def test_a_loss_that_is_no_number_is_empty():
    run = RunRecord("k", Curve([1e3], [np.nan], params=10), np.array([6e4]), run_id="r")
    assert read(points_csv([run]))[0]["loss"] == ""


def test_whole_records_come_back(make_run):
    run = make_run(1_000_000, 10, run_id="r")
    answer = json.loads("".join(records_json([run, run])))
    assert len(answer) == 2
    assert RunRecord.from_json(answer[0]).curve.loss.tolist() == run.curve.loss.tolist()
    assert json.loads("".join(records_json([]))) == []
