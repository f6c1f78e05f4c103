"""The next runs: within the budget, and better at making the target known than runs chosen otherwise."""

from collections.abc import Callable

import numpy as np
import pytest

from lightning_scaling.laws import KappaSurface, Surface, SweepDesign, fit_surface, identifying_run, next_runs, simulate_runs
from lightning_scaling.units import training_flops

Sweep = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
LAW = Surface(1.69, 406.4, 410.7, 0.34, 0.28)


def test_the_runs_fit_the_budget_and_lower_the_error(sweep: Sweep) -> None:
    design = next_runs(fit_surface(*sweep(noise=0.005)), budget=1e21, target_flops=1e23)
    assert sum(run.flops for run in design.runs) <= 1.01e21
    assert design.error_after < design.error_before
    assert all(run.flops == 6 * run.params * run.tokens for run in design.runs)
    assert design.runs[0].pf_days == pytest.approx(design.runs[0].flops / 8.64e19)


def test_a_larger_budget_teaches_more(sweep: Sweep) -> None:
    fit = fit_surface(*sweep(noise=0.005))
    errors = [next_runs(fit, budget, target_flops=1e23).error_after for budget in (1e20, 1e21, 1e22)]
    assert errors[0] > errors[1] > errors[2]


def test_an_unidentified_exponent_is_what_the_next_run_looks_at() -> None:
    tokens = np.geomspace(1e9, 1e11, 10)
    params = np.full(10, 1e9)
    loss = LAW.predict(params, tokens) * np.exp(0.003 * np.random.default_rng(0).standard_normal(10))
    design = next_runs(fit_surface(params, tokens, loss), budget=1e21, target_flops=1e22)
    assert any(run.params > 2e9 or run.params < 5e8 for run in design.runs)


def test_the_ladder_is_plain_data_a_program_can_run(sweep: Sweep) -> None:
    ladder = next_runs(fit_surface(*sweep(noise=0.005)), budget=1e21).ladder()
    assert ladder["format"] == "lightning-scaling ladder"
    assert set(ladder["runs"][0]) == {"params", "tokens", "flops", "pf_days", "error_after"}
    assert isinstance(ladder["runs"][0]["params"], int)


def test_no_law_and_no_budget_are_refused(sweep: Sweep) -> None:
    with pytest.raises(ValueError, match="need a fitted law"):
        next_runs(fit_surface([1e8], [1e9], [3.0]), budget=1e20)
    with pytest.raises(ValueError, match="must be positive"):
        next_runs(fit_surface(*sweep()), budget=0)
    with pytest.raises(ValueError, match="buy no useful run"):
        next_runs(fit_surface(*sweep()), budget=1e10)


def test_the_proposed_run_identifies_the_law_better_than_one_more_of_the_same() -> None:
    params = np.repeat(np.geomspace(1e8, 1e10, 8), 2)
    tokens = 5 * params * np.tile([1.0, 1.2], 8)
    spread: dict[str, list[float]] = {"proposed": [], "same": []}
    for seed in range(24):
        noise = np.exp(0.002 * np.random.default_rng(seed).standard_normal(17))
        fit = fit_surface(params, tokens, LAW.predict(params, tokens) * noise[:16])
        run = identifying_run(fit)
        assert fit.outcome.name == "ONE_RATIO"
        assert run.params * run.tokens <= 1.01 * (params * tokens).max()
        assert run.error_after < 0.93 * run.error_before
        for name, (size, length) in {"proposed": (run.params, run.tokens), "same": (3e9, 1.65e10)}.items():
            many, long = np.append(params, size), np.append(tokens, length)
            after = fit_surface(many, long, LAW.predict(many, long) * noise, objective="log_least_squares")
            spread[name].append(float(np.log(after.surface.N_exponent / LAW.N_exponent)))
    assert np.std(spread["proposed"]) < 0.9 * np.std(spread["same"])


def test_without_a_law_there_is_nothing_to_identify() -> None:
    with pytest.raises(ValueError, match="no law to improve"):
        identifying_run(fit_surface([1e8], [1e9], [3.0]))


SIMULATED = Surface(1.7, 400.0, 410.0, 0.34, 0.28)


def test_without_noise_the_losses_are_the_law() -> None:
    runs = simulate_runs(SIMULATED, SweepDesign.isoflops([1e18, 1e19]), noise=0.0)
    assert runs.loss == pytest.approx(SIMULATED.predict(runs.params, runs.tokens))
    assert training_flops(runs.params, runs.tokens) == pytest.approx(np.repeat([1e18, 1e19], 7))


def test_the_scatter_is_the_noise_at_the_largest_compute_and_grows_below() -> None:
    runs = simulate_runs(SIMULATED, SweepDesign.ladder([1e7, 1e9]), noise=0.01, noise_fall=0.5, seeds=4000)
    off = np.log(runs.loss / runs.expected)
    assert off[runs.params == 1e9].std() == pytest.approx(0.01, rel=0.05)
    assert off[runs.params == 1e7].std() == pytest.approx(0.01 * 1e4**0.25, rel=0.05)


def test_points_of_one_curve_share_its_scatter() -> None:
    runs = simulate_runs(SIMULATED, SweepDesign.curves([1e8, 1e9], 1e10, points=6), noise=0.01)
    off = np.log(runs.loss / runs.expected)
    assert np.ptp(off[runs.groups == 0]) < 1e-12
    assert np.unique(runs.groups).tolist() == [0, 1]


def test_runs_that_are_not_tuned_lie_above_the_law_only() -> None:
    runs = simulate_runs(SIMULATED, SweepDesign.ladder([1e8, 1e9]), noise=0.0, tuning=0.02, seeds=500)
    excess = np.log(runs.loss / runs.expected)
    assert excess.min() >= 0
    assert excess.mean() == pytest.approx(0.02, rel=0.1)


def test_a_negative_noise_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        simulate_runs(SIMULATED, SweepDesign.ladder([1e8]), noise=-0.1)


def test_the_optimum_of_a_kappa_surface_is_the_lowest_loss_on_the_budget() -> None:
    law = KappaSurface(1.2, 3.5e6, 1.5e6, 0.8, 0.6, 0.5)
    best = law.optimum(1e21)
    around = best.params * np.geomspace(0.5, 2, 401)
    losses = law.predict(around, 1e21 / (6 * around))
    assert losses.min() == pytest.approx(best.loss, rel=1e-9)
    assert around[losses.argmin()] == pytest.approx(best.params, rel=0.01)
    assert law.N_exponent == pytest.approx(0.6 / 1.4)


def test_where_the_split_is_open_the_target_keeps_the_ratio_of_the_runs() -> None:
    params = np.geomspace(1e8, 1e10, 8)
    fit = fit_surface(params, 20 * params, LAW.predict(params, 20 * params))
    design = next_runs(fit, budget=1e22)
    assert design.target_tokens / design.target_params == pytest.approx(20)


def test_the_identifying_run_keeps_near_the_ratios_of_the_runs() -> None:
    runs = simulate_runs(LAW, SweepDesign.isoflops([1e18, 1e19, 1e20], 5))
    run = identifying_run(fit_surface(runs.params, runs.tokens, runs.loss))
    ratios = runs.tokens / runs.params
    assert ratios.min() / 4.1 < run.tokens / run.params < 4.1 * ratios.max()
