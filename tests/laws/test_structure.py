"""Residuals that follow N, D or their ratio mean another form of the law."""

import numpy as np
import pytest

from lightning_scaling.laws import KappaSurface, Surface, SweepDesign, fit_surface, simulate_runs

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
