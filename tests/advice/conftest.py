"""Runs with a known course: a power law of effective training time, an annealing drop, noise, and what may happen on the way."""

from collections.abc import Callable

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule

END = 100_000_000.0
STEPS = 1000
RATES = {
    "constant": lambda t: np.ones_like(t),
    "cosine": lambda t: 0.05 + 0.475 * (1 + np.cos(np.pi * t)),
    "wsd": lambda t: np.where(t < 0.8, 1.0, np.maximum(5 * (1 - t), 1e-3)),
    "early": lambda t: np.interp(t, [0, 0.1, 0.3, 1], [1.0, 1.0, 0.03, 0.03]),
}


@pytest.fixture
def make_run() -> Callable[..., Curve]:
    """make_run(rate, until, points, share, alpha, drop, noise, change, params, unique, scale): the first `until` of a run of END tokens."""

    def make(
        rate: str = "cosine",
        until: float = 1.0,
        points: int = 100,
        share: float = 0.2,
        alpha: float = 0.5,
        drop: float = 0.03,
        noise: float = 5e-4,
        change: Callable[[np.ndarray], np.ndarray] | None = None,
        params: int | None = 1_000_000,
        unique: float | None = None,
        scale: float = 3.0,
        seed: int = 0,
    ) -> Curve:
        t = np.arange(1, STEPS + 1) / STEPS
        lr = RATES[rate](t)
        loss = 1 - share + share * np.cumsum(lr / STEPS) ** -alpha - drop * (1 - lr)
        loss = loss * (1 if change is None else change(t)) * scale
        at = np.unique(np.linspace(0.03 * STEPS, STEPS, points).astype(int))
        seen = loss[at - 1] * (1 + noise * np.random.default_rng(seed).standard_normal(len(at)))
        kept = at <= until * STEPS
        return Curve(at[kept] * END / STEPS, seen[kept], at[kept], Schedule(np.arange(1, STEPS + 1), lr), params, unique)

    return make
