"""Intervals of the surface: they hold the truth as often as stated, and respect which points belong together."""

from collections.abc import Callable

import numpy as np
import pytest

from lightning_scaling.laws import Surface, fit_surface
from lightning_scaling.laws.surface.surface import CONSTANTS

Sweep = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
CHINCHILLA = Surface(1.69, 406.4, 410.7, 0.34, 0.28)


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
