"""What a study answers."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lightning_scaling import Curve
from lightning_scaling.report import Study
from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.record import RunRecord, RunState

Make = Callable[..., RunRecord]


@pytest.fixture
def study(record: Make) -> Study:
    sizes = (300_000, 1_000_000, 3_000_000, 10_000_000)
    runs = [record(f"{n}", params=n, points=10 + i, state=RunState.FINISHED) for i, n in enumerate(sizes)]
    return Study((*runs, record("running", params=30_000_000, state=RunState.RUNNING, ended=False, planned_tokens=None, family="other")))


def test_siblings_are_the_finished_smaller_runs_of_the_family(study: Study) -> None:
    assert [c.params for c in study.siblings("gpt")] == [300_000, 1_000_000, 3_000_000, 10_000_000]
    assert [c.params for c in study.siblings("gpt", below=3_000_000)] == [300_000, 1_000_000]
    assert study.siblings("other") == []


def test_the_fit_is_that_of_the_last_points_of_the_finished_runs(record: Make) -> None:
    """The runs lie on L = 1.7 + 400/N^.34 + 410/D^.28; one in progress lies off it."""
    sizes = [(n, ratio) for n in (300_000, 1_000_000, 3_000_000, 10_000_000) for ratio in (1, 4)]
    runs = [record(f"{n}-{r}", params=n, points=100) for n, r in sizes]
    halves = [
        replace(r, curve=r.curve.take(slice(0, 100 // ratio)), flops=r.flops[: 100 // ratio], state=RunState.FINISHED)
        for r, (_, ratio) in zip(runs, sizes, strict=True)
    ]
    running = record("running", params=10**9, points=3, state=RunState.RUNNING, ended=False, planned_tokens=None)
    fit = Study((*halves, replace(running, curve=replace(running.curve, loss=running.curve.loss * 2)))).fit(seed=0).surface
    assert (fit.E, fit.alpha, fit.beta) == pytest.approx((1.7, 0.34, 0.28), rel=1e-3)
    assert sorted(fit.procedure["runs"]) == sorted(r.key for r in halves)


def test_runs_counted_differently_are_never_fitted_together(study: Study) -> None:
    odd = replace(study.records[0], conventions=Conventions(params="non_embedding"))
    with pytest.raises(ValueError, match="params: non_embedding against total"):
        Study((odd, *study.records[1:])).fit()


def test_nothing_finished_is_refused(study: Study) -> None:
    with pytest.raises(ValueError, match="no finished run"):
        study.select(state=RunState.RUNNING).fit()


def test_the_fit_prints_itself_as_a_table(study: Study) -> None:
    sizes = [(n, d) for n in (10**7, 10**8, 10**9) for d in (1e9, 1e10, 1e11)]
    runs = [
        RunRecord(f"{n}-{d}", Curve([d], [1.7 + 400 / n**0.34 + 410 / d**0.28], params=n), np.array([6 * n * d]), ended=True)
        for n, d in sizes
    ]
    fit = Study(tuple(runs)).fit(resamples=50)
    lines = str(fit).splitlines()
    assert lines[0].startswith("L(N, D) = E + A/N^alpha + B/D^beta over 9 runs: fitted")
    assert any(line.startswith("alpha") and "0.34" in line for line in lines)
    assert any("best use of" in line for line in lines)
    assert "array" not in str(fit)
    assert fit._repr_html_().startswith("<pre>")


def test_the_table_has_one_row_a_run(study: Study) -> None:
    table = study.table()
    assert list(table["params"]) == [r.params for r in study]
    assert np.allclose(table["pf_days"], table["flops"] / 8.64e19)
    assert list(table["state"]) == ["FINISHED"] * 4 + ["RUNNING"]
    assert list(Study().table().columns) == list(table.columns)


def test_a_notebook_shows_names_and_not_their_markup(record: Make) -> None:
    page = Study((record("k", name="<b>&", family="<i>"),))._repr_html_()
    assert "&lt;b&gt;&amp;" in page
    assert "<i>" not in page


def test_a_thousand_runs_make_a_short_page(record: Make) -> None:
    assert len(Study((record(),) * 1000)._repr_html_()) < 10_000


def test_the_picture_has_the_runs(study: Study) -> None:
    pytest.importorskip("matplotlib")
    figure = study.plot()
    assert sum(len(axes.lines) + len(axes.collections) for axes in figure.axes) >= 5
