"""Approach 2: the interval of a holds the truth nine times in ten, also where two curves make a line that fits exactly."""

import numpy as np
import pytest

from lightning_scaling.laws import Surface, fit_surface
from lightning_scaling.laws.approaches.isoflop import isoflops

LAW = Surface(1.7, 400, 410, 0.34, 0.28)


@pytest.mark.parametrize("budgets", [2, 3, 5])
def test_the_interval_of_the_growth_of_the_minima_holds_the_truth(budgets: int) -> None:
    compute = np.geomspace(1e18, 1e20, budgets)
    sizes = np.concatenate([LAW.optimum(c).params * np.geomspace(0.25, 4, 6) for c in compute])
    tokens = np.repeat(compute, 6) / (6 * sizes)
    loss = LAW.predict(sizes, tokens)
    surface = fit_surface(sizes, tokens, loss, resamples=0)
    exact = isoflops(sizes, tokens, loss, surface=surface).growth
    assert exact is not None
    rng, held = np.random.default_rng(0), []
    for _ in range(200):
        found = isoflops(sizes, tokens, loss * np.exp(0.005 * rng.standard_normal(len(loss))), surface=surface).growth
        assert found is not None
        low, high = found.N_exponent_interval
        held.append(low <= exact.N_exponent <= high)
    assert 0.86 <= np.mean(held) <= 0.98
