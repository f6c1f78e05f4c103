"""Synthetic runs with a known law: L = floor + rise/S^alpha, less the annealing gain of the multi-power law."""

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule

STEPS, WARMUP, BATCH = 10_000, 200, 5_000


def rates(kind):
    """Learning rate at every step: warm-up, then the named profile."""
    t = np.arange(STEPS + 1)
    p = np.clip((t - WARMUP) / (STEPS - WARMUP), 0, 1)
    shape = {
        "constant": np.ones_like(p),
        "cosine": 0.1 + 0.45 * (1 + np.cos(np.pi * p)),
        "linear": 1 - p,
        "quadratic": (1 - p) ** 2,
        "wsd": np.clip((1 - p) / 0.2, 0, 1),
        "two_stage": np.where(p < 0.6, 1.0, 0.3),
        "inv_sqrt": 1 / np.sqrt(np.maximum(t / (2 * WARMUP), 1)),
    }[kind]
    return np.maximum(shape * np.minimum(1, (t + 1) / WARMUP), 1e-6)


def true_loss(kind, floor, rise, alpha, drop, speed=0.02, gamma=0.65, beta=0.6):
    """The multi-power law summed step by step, as Luo et al. (2025) write it: slow and plain, nothing shared with the package."""
    eta = rates(kind)
    effective_time = np.cumsum(eta)
    annealed = np.zeros(STEPS + 1)
    for k in np.flatnonzero(np.diff(eta) < 0) + 1:
        if k < WARMUP or (kind != "two_stage" and k % 50):
            continue
        fall = eta[k - 50] - eta[k] if kind != "two_stage" else eta[k - 1] - eta[k]
        since = np.maximum(effective_time - effective_time[k - 1], 0)
        annealed += fall * (1 - (1 + speed * eta[k] ** -gamma * since) ** -beta) * (np.arange(STEPS + 1) >= k)
    return floor + rise * (effective_time / effective_time[STEPS // 2]) ** -alpha - drop * annealed


class Maker:
    """Makes curves and remembers where they end."""

    def __call__(self, kind="cosine", floor=2.0, rise=0.5, alpha=0.5, drop=0.12, noise=0.0005, points=200, seed=0, planned=True):
        step = np.unique(np.linspace(WARMUP + 1, STEPS, points).astype(int))
        loss = true_loss(kind, floor, rise, alpha, drop)[step]
        loss = loss * (1 + noise * np.random.default_rng(seed).standard_normal(len(step)))
        schedule = Schedule(np.arange(STEPS + 1), rates(kind)) if planned else None
        return Curve(step * BATCH, loss, step, schedule)

    end = STEPS * BATCH


@pytest.fixture(scope="session")
def run():
    return Maker()
