"""Which runs the report asks to look at, and which of very many it draws."""

from dataclasses import replace

import numpy as np
import pytest

from lightning_scaling.laws import fit_runs
from lightning_scaling.report.figures import ill_panels, loss_against_compute
from lightning_scaling.report.ill import ill_runs
from lightning_scaling.report.links import mlflow_links, no_links
from lightning_scaling.report.rows import rows
from lightning_scaling.report.sample import MOST_CURVES, with_curves
from lightning_scaling.run.record import RunState


@pytest.fixture(scope="module")
def square(make_run):
    return [make_run(params, tokens_per_param=ratio) for params in (200_000, 400_000, 800_000) for ratio in (8, 30, 120)]


@pytest.fixture(scope="module")
def fit(square):
    return fit_runs(square, resamples=0)


def worse(run, by=1.06):
    return replace(run, key="worse", name="worse", predictions=(), curve=replace(run.curve, loss=run.curve.loss * by))


def test_healthy_runs_need_no_look(square, fit):
    assert ill_runs(rows(replace(run, predictions=()) for run in square), fit) == []


def test_each_kind_of_trouble_is_named_the_worst_first(square, fit, make_run):
    broken = replace(square[0], key="nan", name="nan", curve=replace(square[0].curve, loss=np.r_[square[0].curve.loss[:-1], np.nan]))
    cut = replace(make_run(300_000, seen=0.4), name="cut", state=RunState.INTERRUPTED)
    sick = replace(square[1], name="sick", predictions=(replace(square[1].predictions[-1], verdict="INVESTIGATE", because="it swings"),))
    found = ill_runs(rows([*(replace(run, predictions=()) for run in square), worse(square[4]), broken, cut, sick]), fit)
    assert [each.run.name for each in found] == ["nan", "sick", "cut", "worse"]
    reasons = [each.reason for each in found]
    assert "not a number" in reasons[0]
    assert "it swings" in reasons[1]
    assert "interrupted at 36 % of its token budget" in reasons[2]
    assert "above the law of these runs" in reasons[3]


def test_forecasts_that_are_all_off_alike_are_no_news_of_one_run(square):
    def off(run, by):
        low, high = (run.loss * (1 + by + each) for each in (-0.01, 0.01))
        return replace(run, predictions=tuple(replace(p, loss=run.loss * (1 + by), low=low, high=high) for p in run.predictions))

    alike = [off(run, 0.05) for run in square]
    assert ill_runs(rows(alike)) == []
    assert [each.run.name for each in ill_runs(rows([*alike, replace(off(square[0], 0.2), name="alone")]))] == ["alone"]


def test_a_run_of_one_point_and_one_without_a_finite_loss_have_pictures(square, make_run):
    point = rows([make_run(400_000, points=1)])[0]
    (dot,) = [line for line in ill_panels(point, []).axes[0].lines if line.get_gid() == "curve"]
    assert dot.get_marker() == "o"
    infinite = replace(square[0], name="infinite", curve=replace(square[0].curve, loss=square[0].curve.loss * np.inf))
    runs = rows([*square, infinite])
    axes = ill_panels(next(run for run in runs if run.name == "infinite"), runs).axes[0]
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_a_run_that_over_fitted_is_named_in_the_words_of_the_advice(square, fit):
    loss = square[0].curve.loss.copy()
    loss[-5:] = 1.08 * loss[-6]
    stopped = replace(square[0].predictions[-1], verdict="STOP", because="the loss lies 8 % above its best and climbs")
    over = replace(square[0], name="over", predictions=(stopped,), curve=replace(square[0].curve, loss=loss))
    (found,) = [each for each in ill_runs(rows([*square, over]), fit) if each.run.name == "over"]
    assert found.reason == "the loss lies 8 % above its best and climbs (verdict: stop)"


def test_a_run_that_is_ill_is_shown_beside_runs_of_its_size(square, fit):
    runs = rows([*square, worse(square[4])])
    (found,) = (each.run for each in ill_runs(runs, fit) if each.run.name == "worse")
    axes = ill_panels(found, runs).axes[0]
    assert len([line for line in axes.lines if line.get_gid() == "sibling"]) == 3
    assert [line for line in axes.lines if line.get_gid() == "power-law"]


def test_of_very_many_runs_some_are_curves_and_all_are_dots(make_run):
    runs = [make_run(int(n), points=8) for n in np.geomspace(1e5, 1e8, 3 * MOST_CURVES)]
    shown = with_curves(rows(runs))
    assert 0.5 * MOST_CURVES < sum(shown) <= MOST_CURVES
    assert shown[0] or shown[1]
    axes = loss_against_compute(runs).axes[0]
    (ends,) = [each for each in axes.collections if each.get_gid() == "end"]
    (lines,) = [each for each in axes.collections if each.get_gid() == "curve"]
    assert len(ends.get_offsets()) == len(runs)
    assert len(lines.get_segments()) == sum(shown)


def test_a_file_store_has_no_pages_to_link_to(tmp_path):
    assert mlflow_links(f"sqlite:///{tmp_path}/mlflow.db") is no_links


def test_links_lead_to_the_runs_of_a_server_without_its_password(mlflow_server, make_run):
    from mlflow import MlflowClient

    number = MlflowClient(mlflow_server.uri).create_experiment("linked")
    run = replace(make_run(100_000), experiment="linked", run_id="abc")
    secret = mlflow_server.uri.replace("http://", "http://user:secret@")
    assert mlflow_links(secret)(run) == f"{mlflow_server.uri}/#/experiments/{number}/runs/abc"
    assert mlflow_links(secret)(replace(run, experiment="another")) == ""
