"""The surface fit finds known laws again, in any unit, at the bottom of its objective, with intervals that hold the truth as stated."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from lightning_scaling.laws import Surface, SweepDesign, fit_surface, simulate_runs
from lightning_scaling.laws.surface.search import Problem, evaluate
from lightning_scaling.laws.surface.surface import CONSTANTS

CHINCHILLA = Surface(1.69, 406.4, 410.7, 0.34, 0.28)
ASYMMETRIC = Surface(1.69, 400.0, 400.0, 0.465, 0.155)
Sweep = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]


def constants(law: object) -> np.ndarray:
    return np.array([getattr(law, name) for name in CONSTANTS])


@pytest.mark.parametrize("objective", ["huber", "log_least_squares", "noise_huber"])
@pytest.mark.parametrize("law", [CHINCHILLA, ASYMMETRIC])
def test_noise_free_points_give_the_law_back(sweep: Sweep, law: Surface, objective: str) -> None:
    fit = fit_surface(*sweep(law), objective=objective)  # type: ignore[arg-type]
    assert np.abs(constants(fit) / constants(law) - 1).max() < 1e-9


@settings(max_examples=25, deadline=None, derandomize=True)
@given(floor=st.floats(0.5, 3.0), alpha=st.floats(0.15, 0.7), beta=st.floats(0.15, 0.7), by_n=st.floats(0.2, 2.0), by_d=st.floats(0.2, 2.0))
def test_any_law_of_the_form_is_found_from_the_data_alone(floor: float, alpha: float, beta: float, by_n: float, by_d: float) -> None:
    law = Surface(floor, by_n * 1e8**alpha, by_d * 1e10**beta, alpha, beta)
    params, tokens = (v.ravel() for v in np.meshgrid(np.geomspace(1e7, 1e9, 6), np.geomspace(1e9, 1e11, 6)))
    fit = fit_surface(params, tokens, law.predict(params, tokens))
    assert np.abs(constants(fit) / constants(law) - 1).max() < 1e-7


@pytest.mark.parametrize(("params_unit", "tokens_unit", "loss_unit"), [(1e-9, 1e-12, 1.0), (1e6, 1.0, 1.4427), (1.0, 1e3, 1e-4)])
def test_units_of_params_tokens_and_loss_do_not_matter(sweep: Sweep, params_unit: float, tokens_unit: float, loss_unit: float) -> None:
    params, tokens, loss = sweep(noise=0.005)
    plain = fit_surface(params, tokens, loss)
    scaled = fit_surface(params * params_unit, tokens * tokens_unit, loss * loss_unit)
    assert scaled.alpha == pytest.approx(plain.alpha, rel=1e-7)
    assert pytest.approx(plain.E * loss_unit, rel=1e-7) == scaled.E
    assert scaled.objective == pytest.approx(plain.objective, rel=1e-9)


def test_many_starts_find_nothing_lower(sweep: Sweep) -> None:
    params, tokens, loss = sweep(noise=0.01, seed=3)
    one, many = fit_surface(params, tokens, loss), fit_surface(params, tokens, loss, starts=12)
    assert one.objective == pytest.approx(many.objective, rel=1e-10)
    assert many.agreement[1] == 12
    assert many.agreement[0] >= 4


def huber(theta: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> float:
    residual = np.abs(np.log(np.exp(theta[0]) + np.exp(theta[1] - theta[3] * x) + np.exp(theta[2] - theta[4] * y)) - z)
    return float(np.where(residual <= 1e-3, residual**2 / 2, 1e-3 * (residual - 5e-4)).sum())


def test_no_other_optimiser_gets_below_the_minimum(sweep: Sweep) -> None:
    params, tokens, loss = sweep(noise=0.005, seed=1)
    fit = fit_surface(params, tokens, loss)
    x, y, z = np.log(params), np.log(tokens), np.log(loss)
    theta = np.array([np.log(fit.E), np.log(fit.A), np.log(fit.B), fit.alpha, fit.beta])
    assert fit.objective == pytest.approx(huber(theta, x, y, z), rel=1e-9)
    found = minimize(huber, theta, args=(x, y, z), method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-12, "fatol": 1e-16})
    assert found.fun >= fit.objective * (1 - 1e-9)


def lbfgs(points: tuple[np.ndarray, ...], share: float) -> float:
    """Summed objective where L-BFGS with its usual tolerances and the exact gradient ends when it is given `share` of the sum."""
    x, y, z = (np.log(v) - np.log(v).mean() for v in points)
    problem = Problem(x, y, z, 1e-3)

    def scaled(theta: np.ndarray) -> tuple[float, np.ndarray]:
        found = evaluate(problem, theta[None], np.ones((1, len(x))))
        return share * float(found.value[0]), share * found.gradient[0]

    end = minimize(scaled, [-0.5, -1.5, -1.5, 0.5, 0.5], jac=True, method="L-BFGS-B")
    return scaled(end.x)[0] / share


def test_a_mean_instead_of_a_sum_stops_lbfgs_early(sweep: Sweep) -> None:
    worlds = [sweep(noise=0.005, seed=seed) for seed in range(10)]
    best = np.array([fit_surface(*world).objective for world in worlds])
    summed, mean = (np.median(np.array([lbfgs(world, share) for world in worlds]) / best - 1) for share in (1.0, 1 / 75))
    assert mean > 3 * summed
    assert mean > 1e-3


def test_under_clean_noise_least_squares_knows_the_exponents_better(sweep: Sweep) -> None:
    worlds = [sweep(noise=0.005, seed=seed) for seed in range(40)]
    error = {
        how: np.std([fit_surface(*world, objective=how).alpha - 0.34 for world in worlds])  # type: ignore[arg-type]
        for how in ("huber", "log_least_squares", "noise_huber")
    }
    assert error["huber"] > 1.15 * error["log_least_squares"]
    assert error["noise_huber"] < 1.15 * error["log_least_squares"]


def test_with_outliers_huber_holds_where_least_squares_follows(sweep: Sweep) -> None:
    params, tokens, loss = sweep(noise=0.002)
    loss[::10] *= 1.25
    robust, squares = (fit_surface(params, tokens, loss, objective=how) for how in ("huber", "log_least_squares"))  # type: ignore[arg-type]
    truth = CHINCHILLA.predict(1e10, 1e12)
    assert abs(robust.predict(1e10, 1e12) / truth - 1) < 0.3 * abs(squares.predict(1e10, 1e12) / truth - 1)


@pytest.mark.slow
def test_intervals_of_95_percent_hold_the_truth_in_about_95_of_100_worlds(sweep: Sweep) -> None:
    held = []
    for seed in range(40):
        fit = fit_surface(*sweep(noise=0.005, seed=seed), resamples=300, seed=seed)
        held += [low <= getattr(CHINCHILLA, name) <= high for name in CONSTANTS for low, high in [fit.interval(name, 0.95)]]
    assert 0.91 <= np.mean(held) <= 0.995


def test_the_same_seed_gives_the_same_intervals(sweep: Sweep) -> None:
    points = sweep(noise=0.005)
    one, two = (fit_surface(*points, resamples=50, seed=7).interval("alpha") for _ in range(2))
    assert one == two
    assert one != fit_surface(*points, resamples=50, seed=8).interval("alpha")


def test_resamples_are_the_fits_to_the_resampled_points(sweep: Sweep) -> None:
    params, tokens, loss = sweep(noise=0.01)
    fit = fit_surface(params, tokens, loss, resamples=3, seed=5)
    counts = np.random.default_rng(5).multinomial(75, np.full(75, 1 / 75), size=3)
    for k, row in enumerate(counts):
        again = fit_surface(*(np.repeat(v, row) for v in (params, tokens, loss)))
        assert fit.resamples is not None
        assert fit.resamples.alpha[k] == pytest.approx(again.alpha, rel=1e-4)


@pytest.mark.slow
def test_points_of_one_run_are_resampled_together_and_widen_the_interval(sweep: Sweep) -> None:
    params, tokens, loss = sweep(noise=0.005, seed=4)
    many = [np.tile(v, 4) for v in (params, tokens, loss)]  # each run logged four times: no new knowledge
    runs = np.tile(np.arange(75), 4)
    apart, together = (fit_surface(*many, resamples=1500, seed=0, groups=g) for g in (None, runs))
    truth = fit_surface(params, tokens, loss, resamples=1500, seed=0)
    width = {name: np.subtract(*fit.interval("beta", 0.9)[::-1]) for name, fit in (("a", apart), ("t", together), ("s", truth))}
    assert width["t"] == pytest.approx(width["s"], rel=0.1)
    assert width["a"] < 0.65 * width["s"]


def test_the_optimum_carries_intervals_around_it(sweep: Sweep) -> None:
    best = fit_surface(*sweep(noise=0.005), resamples=200, seed=0).optimum(1e22)
    for value, interval in ((best.params, best.params_interval), (best.tokens, best.tokens_interval), (best.loss, best.loss_interval)):
        assert interval is not None
        assert interval[0] < value < interval[1]
    assert 6 * best.params * best.tokens == pytest.approx(1e22)


def test_the_optimum_is_the_lowest_loss_on_the_budget(sweep: Sweep) -> None:
    fit = fit_surface(*sweep())
    best = fit.optimum(1e22)
    sizes = best.params * np.linspace(0.5, 2, 301)
    losses = fit.predict(sizes, 1e22 / (6 * sizes))
    assert best.loss <= losses.min() + 1e-12
    assert sizes[losses.argmin()] == pytest.approx(best.params, rel=0.01)


def test_flops_given_per_run_move_the_optimum_and_two_rules_are_refused(sweep: Sweep) -> None:
    params, tokens, loss = sweep()
    fit = fit_surface(params, tokens, loss, flops=8 * params * tokens)
    best = fit.optimum(8e21)
    assert best.params * best.tokens == pytest.approx(1e21, rel=1e-9)
    with pytest.raises(ValueError, match="counted by different rules"):
        fit_surface(params, tokens, loss, flops=params * tokens * np.where(params > 1e8, 6, 20))


def test_without_resamples_an_interval_is_refused_in_words(sweep: Sweep) -> None:
    with pytest.raises(ValueError, match="fit with resamples"):
        fit_surface(*sweep()).interval("E")
    with pytest.raises(ValueError, match="no interval for 'gamma'"):
        fit_surface(*sweep(), resamples=10).interval("gamma")


def test_a_large_table_is_fitted_on_all_its_rows_with_the_intervals_of_that_many() -> None:
    runs = simulate_runs(CHINCHILLA, SweepDesign.grid(np.geomspace(1e8, 1e10, 20), np.geomspace(1e9, 1e11, 20)), 0.005, seeds=75)
    large = fit_surface(runs.params, runs.tokens, runs.loss, resamples=200, seed=0)
    assert "400 configurations" in large.because
    part = slice(0, 400 * 4)
    small = fit_surface(runs.params[part], runs.tokens[part], runs.loss[part], resamples=200, seed=0)
    assert large.standard_error("alpha") / small.standard_error("alpha") == pytest.approx((4 / 75) ** 0.5, rel=0.35)
    low, high = large.interval("alpha", 0.99)
    assert low < CHINCHILLA.alpha < high
    moved = [large.surface.predict(1e9, 1e10)]
    moved += [fit_surface(*(v[k::2] for v in (runs.params, runs.tokens, runs.loss))).predict(1e9, 1e10) for k in (0, 1)]
    assert min(moved[1:]) <= moved[0] <= max(moved[1:])
