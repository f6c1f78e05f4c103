"""Backtests: the largest runs, each size, or the later runs are held out and compared with their prediction."""

from collections.abc import Callable

import numpy as np
import pytest

from lightning_scaling.laws import Surface, SweepDesign, backtest, leave_one_size_out, rolling_origin, simulate_runs

Sweep = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
LAW = Surface(1.7, 400.0, 410.0, 0.34, 0.28)


def test_leaving_one_size_out_holds_out_every_size_once() -> None:
    runs = simulate_runs(LAW, SweepDesign.grid([1e8, 2e8, 5e8, 1e9], [2e9, 1e10, 5e10]), 0.002)
    table = leave_one_size_out(runs.params, runs.tokens, runs.loss)
    assert [row.params[0] for row in table.rows] == [1e8, 2e8, 5e8, 1e9]
    assert sum(len(row.loss) for row in table.rows) == 12
    assert table.error < 0.01
    assert len(str(table).splitlines()) == 5


def test_a_rolling_origin_never_fits_on_what_it_predicts() -> None:
    runs = simulate_runs(LAW, SweepDesign.isoflops(np.geomspace(1e18, 1e20, 5)), 0.002)
    table = rolling_origin(runs.params, runs.tokens, runs.loss)
    fitted = [row.fitted_on for row in table.rows]
    assert fitted == sorted(fitted)
    assert all(np.min(row.predicted.factor) > 1 for row in table.rows)
    assert table.inside > 0.8


def test_a_backtest_uses_the_flops_of_the_table() -> None:
    runs = simulate_runs(LAW, SweepDesign.grid(np.geomspace(1e8, 1e9, 6), np.geomspace(2e9, 5e10, 5)), 0.002)
    flops = runs.params**1.5 * runs.tokens
    test = backtest(runs.params, runs.tokens, runs.loss, factor=4, flops=flops)
    assert test.fitted_on == (flops <= flops.max() / 4).sum()
    assert test.better_simple_fit[0] in test.because


def test_a_backtest_that_cannot_predict_states_why() -> None:
    tokens = np.tile(np.geomspace(1e9, 1e10, 3), 3)
    runs = simulate_runs(LAW, SweepDesign(np.repeat(1e8, 9), tokens, np.arange(9)), 0.002)
    params = np.where(tokens > 9e9, 4e8, 1e8)
    test = backtest(params, runs.tokens, runs.loss, factor=10)
    assert "cannot be predicted" in test.because
    assert "nan" not in test.because


@pytest.mark.parametrize("check", [leave_one_size_out, rolling_origin])
def test_too_few_runs_are_refused(check: object) -> None:
    with pytest.raises(ValueError, match="needs"):
        check([1e8, 2e8, 3e8], [1e9, 2e9, 3e9], [3.0, 2.9, 2.8])  # type: ignore[operator]


def test_the_backtest_holds_out_the_largest_and_reports_the_miss(sweep: Sweep) -> None:
    params, tokens, loss = sweep(noise=0.002)
    test = backtest(params, tokens, loss, factor=10)
    assert len(test.loss) + test.fitted_on == 75
    assert (6 * test.params * test.tokens > 1e20).all()
    assert np.abs(test.errors).mean() < 0.005
    assert np.max(test.predicted.factor) == pytest.approx(10, rel=1e-6)
    assert "15 larger ones" in test.because


def test_a_backtest_without_smaller_runs_is_refused(sweep: Sweep) -> None:
    params, tokens, loss = sweep()
    with pytest.raises(ValueError, match="choose a smaller factor"):
        backtest(params, tokens, loss, factor=1e6)
    with pytest.raises(ValueError, match="more than 1"):
        backtest(params, tokens, loss, factor=1.0)


def test_repeated_runs_are_held_out_as_one_configuration() -> None:
    runs = simulate_runs(LAW, SweepDesign.grid(np.geomspace(1e7, 3e8, 6), np.geomspace(1e9, 3e10, 6)), 0.02, seeds=20)
    test = backtest(runs.params, runs.tokens, runs.loss)
    assert (len(test.loss), test.runs) == (10, 200)
    assert test.inside >= 0.9
    assert "the 200 larger ones" in test.because
    assert "10 configurations" in test.because


def test_one_run_held_out_is_spoken_of_as_one() -> None:
    runs = simulate_runs(LAW, SweepDesign.ladder(np.geomspace(1e7, 1e9, 8)), 0.0)
    assert "the larger one (3.73 times the compute) is predicted within" in backtest(runs.params, runs.tokens, runs.loss, 3).because
