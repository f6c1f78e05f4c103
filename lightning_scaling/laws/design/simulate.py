"""Runs that follow a known law: to test a fit, to plan a sweep, to see what noise does before any GPU runs.

A design states which (N, D) are trained; `simulate_runs` gives each the loss of the law with the scatter of real trainings.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.capabilities import LossLaw
from lightning_scaling.units import training_flops


@dataclass(frozen=True, eq=False)
class SweepDesign:
    """Which runs are trained: params and tokens (n,), and the run (n,) of each point."""

    params: Floats
    tokens: Floats
    groups: NDArray[np.intp]

    @classmethod
    def grid(cls, params: ArrayLike, tokens: ArrayLike) -> "SweepDesign":
        """Every size for every length."""
        size, length = (v.ravel() for v in np.meshgrid(np.asarray(params, float), np.asarray(tokens, float), indexing="ij"))
        return cls(size, length, np.arange(len(size)))

    @classmethod
    def ladder(cls, params: ArrayLike, tokens_per_param: float = 20.0) -> "SweepDesign":
        """Each size once, at one ratio of tokens to parameters."""
        size = np.atleast_1d(np.asarray(params, float))
        return cls(size, tokens_per_param * size, np.arange(len(size)))

    @classmethod
    def isoflops(cls, budgets: ArrayLike, sizes: int = 7, decades: float = 0.5, tokens_per_param: float = 20.0) -> "SweepDesign":
        """At each budget (FLOPs) `sizes` sizes, from `decades` below to `decades` above the one at `tokens_per_param`."""
        budget = np.repeat(np.atleast_1d(np.asarray(budgets, float)), sizes)
        middle = np.sqrt(budget / training_flops(1.0, tokens_per_param))
        size = middle * 10 ** np.tile(np.linspace(-decades, decades, sizes), len(budget) // sizes)
        return cls(size, budget / training_flops(size, 1.0), np.arange(len(size)))

    @classmethod
    def curves(cls, params: ArrayLike, tokens: float, points: int = 10) -> "SweepDesign":
        """One run a size, read at `points` lengths from a tenth of `tokens` on: points of one run share its scatter."""
        size = np.atleast_1d(np.asarray(params, float))
        length = np.tile(np.geomspace(tokens / 10, tokens, points), len(size))
        return cls(np.repeat(size, points), length, np.repeat(np.arange(len(size)), points))


@dataclass(frozen=True, eq=False)
class SimulatedRuns:
    """params, tokens, loss (n,) as observed, the `expected` loss of the law, and the run (n,) of each point."""

    params: Floats
    tokens: Floats
    loss: Floats
    expected: Floats
    groups: NDArray[np.intp]


def simulate_runs(
    law: LossLaw,
    design: SweepDesign,
    noise: float = 0.003,
    *,
    noise_fall: float = 0.0,
    seeds: int = 1,
    tuning: float = 0.0,
    seed: int | None = 0,
) -> SimulatedRuns:
    """Runs of a design that follow a law.

    Args:
        law: anything with predict(params, tokens): a Surface, a KappaSurface, a preset, a fit.
        noise: relative standard deviation of one run at the largest compute of the design.
        noise_fall: variance ∝ C^-noise_fall, so that small runs scatter more (.35 to .5 on published sweeps).
        seeds: runs of each configuration.
        tuning: mean relative excess of runs whose hyper-parameters are not the best ones (exponential, one-sided).
        seed: of the random numbers.

    >>> from lightning_scaling.laws import Surface
    >>> runs = simulate_runs(Surface(1.7, 400, 410, 0.34, 0.28), SweepDesign.ladder([1e8, 2e8, 4e8]), noise=0.0)
    >>> runs.loss.round(3).tolist()
    [3.482, 3.142, 2.867]
    """
    if not (noise >= 0 and tuning >= 0 and seeds >= 1):
        raise ValueError(f"noise and tuning must not be negative and seeds at least 1, got {noise}, {tuning} and {seeds}")
    rng = np.random.default_rng(seed)
    params, tokens = np.tile(design.params, seeds), np.tile(design.tokens, seeds)
    groups = np.concatenate([design.groups + k * (int(design.groups.max()) + 1) for k in range(seeds)])
    expected = np.asarray(law.predict(params, tokens), dtype=np.float64)
    compute = training_flops(params, tokens)
    scatter = noise * (compute / compute.max()) ** (-noise_fall / 2) * rng.standard_normal(int(groups.max()) + 1)[groups]
    excess = tuning * rng.exponential(size=int(groups.max()) + 1)[groups] if tuning else 0.0
    return SimulatedRuns(params, tokens, expected * np.exp(scatter + excess), expected, groups)
