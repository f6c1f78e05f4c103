"""What a surface fit states when the runs do not identify it, what it refuses, and the outliers that it proposes and never drops."""

from collections.abc import Callable

import numpy as np
import pytest

from lightning_scaling.laws import KappaSurface, Surface, SweepDesign, fit_surface, predict_larger, propose_outliers, simulate_runs
from lightning_scaling.numbers import count

Sweep = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
LAW = Surface(1.69, 406.4, 410.7, 0.34, 0.28)
SIZES, LENGTHS = np.geomspace(1e8, 1e10, 6), np.geomspace(1e9, 1e11, 6)


def fitted(params: np.ndarray, tokens: np.ndarray, noise: float = 0.003, law: Surface = LAW) -> str:
    params, tokens = (v.ravel() for v in np.broadcast_arrays(params, tokens))
    loss = law.predict(params, tokens) * np.exp(noise * np.random.default_rng(0).standard_normal(len(params)))
    return fit_surface(params, tokens, loss).outcome.name


@pytest.mark.parametrize(
    ("params", "tokens", "outcome"),
    [
        (SIZES[:, None], LENGTHS, "IDENTIFIED"),
        (SIZES, 20 * SIZES, "ONE_RATIO"),
        (np.full(8, 1e9), np.geomspace(1e9, 1e11, 8), "PARAMS_NOT_IDENTIFIED"),
        (np.array([[1e9], [1.3e9]]), LENGTHS, "PARAMS_NOT_IDENTIFIED"),
        (np.geomspace(1e8, 1e10, 8), np.full(8, 1e10), "TOKENS_NOT_IDENTIFIED"),
        (SIZES[:, None], np.array([1e10, 1.2e10]), "TOKENS_NOT_IDENTIFIED"),
        (SIZES[:4], LENGTHS[:4] * 3, "TOO_FEW_POINTS"),
    ],
)
def test_the_outcome_names_what_the_points_do_not_identify(params: np.ndarray, tokens: np.ndarray, outcome: str) -> None:
    assert fitted(params, tokens) == outcome


def test_points_without_a_floor_are_named() -> None:
    assert fitted(SIZES[:, None], LENGTHS, 0.0, Surface(1e-12, 406.4, 410.7, 0.34, 0.28)) == "FLOOR_AT_ZERO"


def test_too_few_points_are_an_outcome_with_no_numbers() -> None:
    fit = fit_surface(SIZES[:4], LENGTHS[:4], [4, 3.5, 3, 2.8], resamples=10)
    assert np.isnan([fit.E, fit.A, fit.B, fit.alpha, fit.beta]).all()
    assert "six runs" in str(fit.outcome)


def test_nine_noisy_points_are_seldom_called_identified_far_off() -> None:
    grid = [v.ravel() for v in np.meshgrid([1e6, 1e7, 1e8], [2e6, 2e7, 2e8])]
    wrong = 0
    for seed in range(40):
        loss = (0.9 + 700 / grid[0] ** 0.43 + 9000 / grid[1] ** 0.47) * np.exp(0.02 * np.random.default_rng(seed).standard_normal(9))
        fit = fit_surface(*grid, loss)
        wrong += fit.outcome.name == "IDENTIFIED" and abs(fit.alpha - 0.43) > 0.12
    assert wrong <= 3


def test_an_exponent_whose_error_is_its_own_size_is_not_identified() -> None:
    grid = [v.ravel() for v in np.meshgrid(np.geomspace(3e7, 1e9, 6), np.geomspace(2e8, 2e11, 8))]
    for seed in range(20):
        noise = np.exp(0.009 * np.random.default_rng(seed).standard_normal(48))
        fit = fit_surface(*grid, (1.0 + 6.0 / grid[0] ** 0.05 + 3000 / grid[1] ** 0.40) * noise)
        assert fit.outcome.name != "IDENTIFIED" or 1 / 3 < fit.alpha / 0.05 < 3


def test_twenty_identical_runs_are_one_configuration() -> None:
    fit = fit_surface([1e7] * 20, [1e9] * 20, [3.0] * 20)
    assert fit.outcome.name == "TOO_FEW_POINTS"
    assert "1 configuration in 20 rows" in fit.because


def test_a_refusal_names_the_run_that_would_help() -> None:
    tokens = np.geomspace(1e9, 1e11, 8)
    fit = fit_surface(np.full(8, 1e9), tokens, LAW.predict(1e9, tokens))
    assert "add a run of 250M parameters" in fit.because


def test_an_overestimate_penalty_follows_the_tuned_runs() -> None:
    runs = simulate_runs(LAW, SweepDesign.grid(SIZES, LENGTHS), 0.001, tuning=0.03)
    symmetric, asymmetric = (
        np.mean(
            fit_surface(runs.params, runs.tokens, runs.loss, overestimate_penalty=w).predict(runs.params, runs.tokens) / runs.expected - 1
        )
        for w in (1.0, 10.0)
    )
    assert 0 < asymmetric < 0.5 * symmetric
    with pytest.raises(ValueError, match="overestimate_penalty must be positive"):
        fit_surface(runs.params, runs.tokens, runs.loss, overestimate_penalty=0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": [np.nan, 3, 3, 3, 3, 3]}, "loss must be finite and positive; point 0 is nan"),
        ({"params": [1e8, -1, 1e8, 1e8, 1e8, 1e8]}, "params must be finite and positive; point 1"),
        ({"tokens": [1e9] * 5}, "equal length"),
        ({"groups": ["a"] * 5}, "5 names for 6 points"),
        ({"weights": [1, 1, 1, 1, 1, -1]}, "not negative"),
        ({"objective": "mean"}, "objective must be"),
    ],
)
def test_misuse_is_one_clear_line(change: dict[str, object], message: str) -> None:
    right = {"params": [1e8] * 6, "tokens": [1e9] * 6, "loss": [3.0] * 6}
    with pytest.raises(ValueError, match=message):
        fit_surface(**(right | change))  # type: ignore[arg-type]


GRID = SweepDesign.grid(np.geomspace(5e7, 1.6e9, 6), np.geomspace(6e9, 3e11, 8))


@pytest.mark.parametrize("kappa_law", [KappaSurface(1.2, 3e8, 8e7, 1.0, 0.75, 0.4), KappaSurface(1.2, 3.5e6, 1.5e6, 0.8, 0.6, 0.5)])
def test_a_law_of_another_form_is_named_as_a_misfit(kappa_law: KappaSurface) -> None:
    runs = simulate_runs(kappa_law, GRID, 0.001)
    fit = fit_surface(runs.params, runs.tokens, runs.loss)
    assert fit.outcome.name == "FORM_MISFIT"
    assert "of the residuals' variance follows" in fit.because


def test_noise_is_not_taken_for_structure() -> None:
    names = []
    for seed in range(30):
        runs = simulate_runs(Surface(1.7, 400.0, 410.0, 0.34, 0.28), GRID, 0.005, seed=seed)
        names.append(fit_surface(runs.params, runs.tokens, runs.loss).outcome.name)
    assert names.count("FORM_MISFIT") <= 1


def test_constants_that_the_runs_leave_open_have_no_interval() -> None:
    tokens = np.geomspace(1e9, 1e11, 12)
    one_size = fit_surface(np.full(12, 1e8), tokens, LAW.predict(1e8, tokens), resamples=50, seed=0)
    assert one_size.undetermined == {"E", "A", "alpha"}
    assert np.isnan(one_size.interval("alpha")).all()
    assert np.isfinite(one_size.interval("beta")).all()
    assert np.isnan(one_size.optimum(1e20).params_interval).all()  # type: ignore[arg-type]
    one_length = fit_surface(tokens / 10, np.full(12, 1e10), LAW.predict(tokens / 10, 1e10), resamples=50, seed=0)
    assert one_length.undetermined == {"E", "B", "beta"}
    one_ratio = fit_surface(tokens / 20, tokens, LAW.predict(tokens / 20, tokens), resamples=50, seed=0)
    assert one_ratio.undetermined >= {"A", "B", "alpha", "beta"}


def test_a_sweep_that_identifies_its_law_leaves_nothing_open() -> None:
    runs = simulate_runs(LAW, SweepDesign.grid(SIZES, LENGTHS), 0.003)
    assert fit_surface(runs.params, runs.tokens, runs.loss).undetermined == frozenset()


@pytest.mark.parametrize("values", [lambda loss: 1 - loss / 8, lambda loss: np.full_like(loss, 3.0), lambda loss: 10 - loss])
def test_what_does_not_fall_with_size_or_length_has_no_law(values: Callable[[np.ndarray], np.ndarray]) -> None:
    grid = SweepDesign.grid(SIZES, LENGTHS)
    seen = values(LAW.predict(grid.params, grid.tokens))
    assert fit_surface(grid.params, grid.tokens, seen).outcome.name == "NO_FALL"
    larger = predict_larger(grid.params, grid.tokens, seen, 1e11, 1e12)
    assert larger.outcome.name == "NO_FALL"
    assert np.isnan(larger.loss)


def grid_of(law: Surface, noise: float = 0.003, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    runs = simulate_runs(law, SweepDesign.grid(SIZES, LENGTHS), noise, seed=seed)
    return runs.params, runs.tokens, runs.loss


def test_rows_written_down_twice_count_once() -> None:
    rows = grid_of(LAW)
    once, twice = (fit_surface(*(np.tile(v, k) for v in rows), resamples=300, seed=0) for k in (1, 2))
    assert (twice.outcome, twice.because) == (once.outcome, once.because)
    widths = [np.diff(np.log(fit.interval("A", 0.9)))[0] for fit in (once, twice)]
    assert widths[1] == pytest.approx(widths[0], rel=0.2)


def test_a_floor_at_zero_leaves_the_exponents_known() -> None:
    fits = [fit_surface(*grid_of(Surface(1e-9, 40.0, 41.0, 0.2, 0.2), 0.01, seed)) for seed in range(20)]
    assert sum(fit.outcome.name == "FLOOR_AT_ZERO" for fit in fits) >= 17
    assert not any("do not determine" in fit.because for fit in fits)


def test_an_exponent_whose_error_exceeds_any_exponent_is_open() -> None:
    params, tokens, loss = grid_of(LAW)
    fit = fit_surface(params, tokens, loss * np.exp(0.3 * np.random.default_rng(1).standard_normal(36)))
    assert "open" in fit.because


def test_structure_is_stated_beside_a_floor_that_is_open() -> None:
    params, tokens, _ = grid_of(LAW)
    fit = fit_surface(params, tokens, 0.3 * (params / 1e8) ** -0.2 * (tokens / 1e10) ** -0.25)
    assert fit.outcome.name == "FLOOR_AT_ZERO"
    assert "another form may fit better" in fit.because


def test_the_words_of_a_fit_show_open_constants_and_none_of_a_loss_that_does_not_fall() -> None:
    one_size = fit_surface(np.full(8, 1e9), LENGTHS.repeat(2)[:8] * np.linspace(1, 1.1, 8), np.linspace(3, 2.5, 8), resamples=50, seed=0)
    assert any(line.startswith("alpha") and line.endswith("open") for line in str(one_size).splitlines())
    assert "alpha" not in str(fit_surface(SIZES.repeat(6), np.tile(LENGTHS, 6), np.full(36, 3.0))).split("(")[0]


def test_crippled_runs_are_proposed_and_both_laws_are_given(sweep: Sweep) -> None:
    params, tokens, loss = sweep(noise=0.003)
    loss[[3, 40]] *= 1.15
    proposal = propose_outliers(fit_surface(params, tokens, loss, resamples=100, seed=0))
    assert np.flatnonzero(proposal.outlier).tolist() == [3, 40]
    assert len(proposal.kept.points) == 75
    assert len(proposal.dropped.points) == 73
    assert "2 of 75 points" in proposal.because
    assert "the 95 % interval" in proposal.because


def test_dropping_points_that_decide_the_answer_is_reported_as_outside_the_interval(sweep: Sweep) -> None:
    params, tokens, loss = sweep(noise=0.001)
    largest = np.argsort(tokens / params)[-4:]
    loss[largest] *= np.exp(0.03)  # the longest runs of small models ended too high: dropping them makes long training look better
    fit = fit_surface(params, tokens, loss, resamples=300, seed=0, objective="log_least_squares")
    proposal = propose_outliers(fit, flops=1e23)
    assert set(largest) <= set(np.flatnonzero(proposal.outlier))
    before, after = proposal.kept.optimum(1e23).params, proposal.dropped.optimum(1e23).params
    low, high = fit.optimum(1e23, 0.95).params_interval or (np.nan, np.nan)
    assert (" inside " in proposal.because) == bool(low <= after <= high)
    assert f"from {count(before)} to {count(after)} params" in proposal.because


def test_a_clean_sweep_proposes_none(sweep: Sweep) -> None:
    fit = fit_surface(*sweep(noise=0.01, seed=2))
    proposal = propose_outliers(fit)
    assert not proposal.outlier.any()
    assert proposal.dropped is fit
