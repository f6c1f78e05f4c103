"""Made-up sweeps whose law is known: five budgets of fifteen sizes each, centred on the optimum."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from lightning_scaling.laws import Surface

CHINCHILLA = Surface(1.69, 406.4, 410.7, 0.34, 0.28)
Columns = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def made_up(law: Surface = CHINCHILLA, noise: float = 0.0, seed: int = 0, width: float = 1.0, shift: float = 0.0) -> Columns:
    """(params, tokens, loss) with log-normal noise; sizes reach `width` decades to both sides of the optimum moved by `shift` decades."""
    budgets = np.repeat(np.logspace(17, 21, 5), 15)
    params = law.optimum(budgets).params * np.tile(np.logspace(-width + shift, width + shift, 15), 5)
    tokens = budgets / (6 * params)
    return params, tokens, law.predict(params, tokens) * np.exp(noise * np.random.default_rng(seed).standard_normal(75))


@pytest.fixture
def sweep() -> Callable[..., Columns]:
    """The function that makes such a sweep."""
    return made_up
