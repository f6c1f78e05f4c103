"""Healthy synthetic runs of kinds that tempt a rule to stop them: each keeps falling to its end, whatever it looks like on the way.

The shapes are no law's: they represent what is met outside of clean pretraining curves. A verdict that ends such a run is a false stop.
"""

import numpy as np
from scipy.signal import lfilter

from lightning_scaling.arrays import Floats
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.schedule import Schedule

STEPS = 2000
SHAPES = ("by decades", "restarts", "batch ramp", "second decline", "spiky", "slow noise", "steps", "square root")


def healthy(number: int, seed: int = 1) -> tuple[str, Curve, Floats]:
    """(shape, the whole run, its losses without noise) of run `number`: the shapes take turns."""
    rng = np.random.default_rng([seed, number])
    shape = SHAPES[number % len(SHAPES)]
    t = np.arange(1, STEPS + 1) / STEPS
    rate = np.minimum(_rate(shape, t, rng), t / 0.02)
    clean = _falling(shape, t, rate, rng)
    step = np.unique(np.linspace(0.03 * STEPS, STEPS, int(rng.integers(60, 400))).astype(int))
    noise = 10 ** rng.uniform(-3.5, -1.3 if shape == "by decades" else -2)
    seen = clean[step - 1] * np.exp(noise * _errors(shape, len(step), rng))
    tokens = np.cumsum(np.interp(t, [0, rng.uniform(0.2, 0.6), 1], [1, 1, 8]) if shape == "batch ramp" else np.ones(STEPS)) * 1e5
    return shape, Curve(tokens[step - 1], seen, step, Schedule(np.arange(1, STEPS + 1), rate), 1_000_000), clean[step - 1]


def _rate(shape: str, t: Floats, rng: np.random.Generator) -> Floats:
    if shape == "restarts":
        return np.asarray(0.02 + 0.49 * (1 + np.cos(np.pi * (t * rng.integers(2, 6) % 1))))
    if shape == "steps":
        return np.asarray(np.where(t < 0.5, 1.0, np.where(t < 0.75, 0.1, 0.01)))
    if shape == "square root":
        return np.asarray(np.minimum(1.0, (0.05 / t) ** 0.5))
    return np.asarray([np.ones_like(t), 0.5 * (1 + np.cos(np.pi * t)), (1 - t) ** 2 + 1e-3][rng.integers(3)])


def _falling(shape: str, t: Floats, rate: Floats, rng: np.random.Generator) -> Floats:
    """A power law of the effective rate and an annealing drop; by decades with no floor; a second decline of a tenth and more."""
    effective = np.cumsum(rate) / STEPS
    alpha, share = (rng.uniform(0.8, 2.0), 1.0) if shape == "by decades" else (rng.uniform(0.2, 0.6), rng.uniform(0.1, 0.4))
    drops = np.r_[0.0, rate[:-1] - rate[1:]]
    annealed = np.cumsum(lfilter([1.0], [1.0, -0.98], drops)) * 0.02
    loss = (1 - share) + share * effective**-alpha - (0.0 if shape == "by decades" else rng.uniform(0.01, 0.05)) * annealed
    if shape == "second decline":
        loss = loss - rng.uniform(0.1, 0.2) / (1 + np.exp(-(t - rng.uniform(0.4, 0.8)) / rng.uniform(0.02, 0.06)))
    return np.asarray(loss * rng.choice([0.05, 0.7, 3.0, 40.0]))


def _errors(shape: str, count: int, rng: np.random.Generator) -> Floats:
    """Independent; with rare large outliers upwards that come back slowly; or autocorrelated over a tenth of the run."""
    errors = rng.standard_normal(count)
    if shape == "spiky":
        hits = (rng.random(count) < 0.02) * rng.exponential(30, count)
        return np.asarray(errors + lfilter([1.0], [1.0, -0.8], hits))
    if shape == "slow noise":
        return np.asarray(lfilter([0.3], [1.0, -((1 - 4 / count) ** 4)], errors))
    return errors
