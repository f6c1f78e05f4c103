"""Simulated sweeps follow the law they were given, with the scatter asked for."""

import numpy as np
import pytest

from lightning_scaling.laws import KappaSurface, Surface, SweepDesign, simulate_runs
from lightning_scaling.units import training_flops

LAW = Surface(1.7, 400.0, 410.0, 0.34, 0.28)


def test_without_noise_the_losses_are_the_law() -> None:
    runs = simulate_runs(LAW, SweepDesign.isoflops([1e18, 1e19]), noise=0.0)
    assert runs.loss == pytest.approx(LAW.predict(runs.params, runs.tokens))
    assert training_flops(runs.params, runs.tokens) == pytest.approx(np.repeat([1e18, 1e19], 7))


def test_the_scatter_is_the_noise_at_the_largest_compute_and_grows_below() -> None:
    runs = simulate_runs(LAW, SweepDesign.ladder([1e7, 1e9]), noise=0.01, noise_fall=0.5, seeds=4000)
    off = np.log(runs.loss / runs.expected)
    assert off[runs.params == 1e9].std() == pytest.approx(0.01, rel=0.05)
    assert off[runs.params == 1e7].std() == pytest.approx(0.01 * 1e4**0.25, rel=0.05)


def test_points_of_one_curve_share_its_scatter() -> None:
    runs = simulate_runs(LAW, SweepDesign.curves([1e8, 1e9], 1e10, points=6), noise=0.01)
    off = np.log(runs.loss / runs.expected)
    assert np.ptp(off[runs.groups == 0]) < 1e-12
    assert np.unique(runs.groups).tolist() == [0, 1]


def test_runs_that_are_not_tuned_lie_above_the_law_only() -> None:
    runs = simulate_runs(LAW, SweepDesign.ladder([1e8, 1e9]), noise=0.0, tuning=0.02, seeds=500)
    excess = np.log(runs.loss / runs.expected)
    assert excess.min() >= 0
    assert excess.mean() == pytest.approx(0.02, rel=0.1)


def test_a_negative_noise_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        simulate_runs(LAW, SweepDesign.ladder([1e8]), noise=-0.1)


def test_the_optimum_of_a_kappa_surface_is_the_lowest_loss_on_the_budget() -> None:
    law = KappaSurface(1.2, 3.5e6, 1.5e6, 0.8, 0.6, 0.5)
    best = law.optimum(1e21)
    around = best.params * np.geomspace(0.5, 2, 401)
    losses = law.predict(around, 1e21 / (6 * around))
    assert losses.min() == pytest.approx(best.loss, rel=1e-9)
    assert around[losses.argmin()] == pytest.approx(best.params, rel=0.01)
    assert law.N_exponent == pytest.approx(0.6 / 1.4)
