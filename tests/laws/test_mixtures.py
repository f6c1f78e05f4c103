"""Active and total parameters from a table or a model to the store and into the law over both."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import lightning_scaling as ls
from lightning_scaling.accounting.parameters import choose
from lightning_scaling.importers.records import records_of
from lightning_scaling.importers.runs_table import read_table
from lightning_scaling.laws import Surface, finished, finished_table, fit_runs
from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.record import RunRecord

LAW, GAMMA = Surface(1.7, 400, 410, 0.34, 0.28), 0.6
GROUPS = {"embedding": 100, "head": 50, "other": 400, "frozen_other": 20, "copies": 9}
GROUPS |= {"inactive_experts": 300, "frozen_inactive_experts": 30}


def runs(noise: float = 0.001) -> tuple[NDArray[np.float64], ...]:
    """(active, total, tokens, loss): dense runs and mixtures of 4 and 16 times their active parameters."""
    active, ratio, tokens = (v.ravel() for v in np.meshgrid([5e7, 2e8, 8e8], [1.0, 4.0, 16.0], [2e9, 8e9, 3e10]))
    scatter = np.exp(noise * np.random.default_rng(0).standard_normal(len(active)))
    return active, active * ratio, tokens, LAW.predict(active * ratio**GAMMA, tokens) * scatter


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = "".join(f"{n:.9g},{t:.9g},{d:.9g},{x:.9g}\n" for n, t, d, x in zip(*runs(), strict=True))
    (tmp_path / "runs.csv").write_text(f"active params,total params,tokens,loss\n{rows}")
    return tmp_path / "runs.csv"


def record(convention: str, params: int | None = None, groups: dict[str, int] = GROUPS) -> RunRecord:
    size = choose(groups, convention) if params is None else params
    return RunRecord("k", ls.Curve([1e9], [3.0], params=size), np.array([6e9 * size]), Conventions(params=convention), groups)


@pytest.mark.parametrize("convention", ["total", "non_embedding", "active", "trainable"])
def test_both_counts_follow_the_convention_of_the_run(convention: str) -> None:
    run, trained = record(convention), convention == "trainable"
    assert run.total_params - run.active_params == (300 if trained else 330)
    assert choose(GROUPS, convention) == (run.active_params if convention == "active" else run.total_params)


def test_a_given_number_is_the_nearer_of_active_and_total() -> None:
    low, high = record("given", 560), record("given", 890)
    assert (low.active_params, high.total_params) == (560, 890)
    assert low.total_params - low.active_params == high.total_params - high.active_params == 330


def test_a_dense_run_and_one_stored_before_experts_were_counted_have_one_number() -> None:
    old = json.loads(json.dumps(record("total", groups={"embedding": 100, "other": 400}).to_json()))
    run = RunRecord.from_json(old)
    assert run.active_params == run.total_params == run.params == 500


def test_a_record_of_a_mixture_prints_both() -> None:
    assert "570 active of 900" in str(record("total"))


def test_a_table_gives_both_columns_and_counts_flops_by_the_active_one(table: Path) -> None:
    read = read_table(str(table))
    np.testing.assert_allclose([read.active, read.params], runs()[:2])
    assert (read.columns["active"], read.columns["params"]) == ("active params", "total params")
    np.testing.assert_allclose([r.spent for r in records_of(read)], 6 * runs()[0] * runs()[2])


def test_a_lone_column_of_active_parameters_is_read_as_n(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("active params,tokens,loss\n1e8,1e9,3.0\n")
    read = read_table(str(tmp_path / "runs.csv"))
    assert (read.active, read.columns["params"]) == (None, "active params")


def test_a_sweep_of_several_ratios_is_fitted_as_mixtures(table: Path) -> None:
    fit = fit_runs(finished(records_of(read_table(str(table)))), resamples=0)
    assert fit.moe is not None
    assert fit.moe.gamma == pytest.approx(GAMMA, abs=0.05)
    assert fit.predict(fit.moe.effective(1e9, 8e9), 5e10) == pytest.approx(LAW.predict(1e9 * 8**GAMMA, 5e10), rel=0.01)
    assert fit.flops_per == pytest.approx(6)
    assert "effective size" in " ".join(fit.notes)
    assert "leverage" in str(fit)


def test_dense_runs_are_fitted_as_before() -> None:
    size, _, tokens, loss = (column[runs()[0] == runs()[1]] for column in runs())
    alone, beside = (fit_runs(finished_table(size, tokens, loss, active=active), resamples=0) for active in (None, size))
    assert alone.moe is beside.moe is None
    assert vars(alone.surface.surface) == vars(beside.surface.surface)


def test_one_ratio_of_experts_is_one_law_of_the_parameters_that_were_counted() -> None:
    size, _, tokens, loss = runs()
    fit = fit_runs(finished_table(8 * size, tokens, loss, active=size), resamples=0)
    assert fit.moe is None
    assert fit.flops_per == pytest.approx(6 / 8)


def test_exchanged_columns_are_one_clear_error() -> None:
    size, total, tokens, loss = runs()
    with pytest.raises(ValueError, match="were the columns exchanged"):
        finished_table(size, tokens, loss, active=total)
