"""The facts of a run in a report."""

from dataclasses import replace

import numpy as np
import pytest

from lightning_scaling.report.rows import row, rows
from lightning_scaling.run.record import RunState


def test_the_forecast_at_half_is_the_one_made_nearest_to_half_of_the_budget(make_run):
    run = make_run(500_000)
    assert row(run).forecast.tokens == pytest.approx(run.planned_tokens / 2, rel=0.01)


def test_the_error_is_the_forecast_against_the_observed_end(make_run):
    facts = row(make_run(500_000))
    assert facts.error == pytest.approx(facts.forecast.loss / facts.loss - 1)


def test_a_run_that_has_not_reached_its_end_has_no_error_yet(make_run):
    facts = row(make_run(500_000, seen=0.7))
    assert facts.forecast is not None
    assert facts.error is None


def test_a_run_before_half_has_no_forecast_at_half(make_run):
    assert row(make_run(500_000, seen=0.3)).forecast is None


def test_a_forecast_without_a_number_is_never_the_one_at_half(make_run):
    run = make_run(500_000)
    silent = replace(run, predictions=tuple(replace(p, loss=float("nan")) for p in run.predictions))
    assert row(silent).forecast is None


def test_runs_come_by_size_and_those_of_unknown_size_last(ladder, broken_runs):
    sizes = [r.params for r in rows([*broken_runs, *reversed(ladder)])]
    known = [s for s in sizes if s]
    assert known == sorted(known)
    assert sizes[-1] is None


@pytest.mark.parametrize("broken", range(3))
def test_a_broken_run_enters_no_law(broken_runs, broken):
    assert not row(broken_runs[broken]).fitted


def test_a_running_run_enters_no_law(make_run):
    assert not row(make_run(500_000, seen=0.9)).fitted


def test_an_interrupted_run_enters_no_law(make_run):
    assert not row(replace(make_run(500_000), state=RunState.INTERRUPTED, ended=False, planned_tokens=20_000_000)).fitted


def test_pf_days_are_flops_over_8_64e19(make_run):
    facts = row(make_run(500_000))
    assert facts.pf_days == pytest.approx(facts.flops / 8.64e19)
    assert np.isfinite(facts.tokens_per_param)
