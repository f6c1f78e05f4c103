"""Synthetic runs whose right verdict is known: a law, a learning-rate schedule, noise, and what happens to the run.

The loss is L0 + A·S1^-alpha − C·S2 (Tissue et al. 2024, arXiv 2408.11029), a different law from the one the forecast assumes. Sizes,
exponents, strength of annealing, noise (1e-4 to 1e-2 of the loss) and the number of evaluations are drawn anew for every run.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from lightning_scaling.arrays import Floats
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.schedule import Schedule

STEPS = 2000
KINDS = (
    "healthy",
    "flat after the decay",
    "flat at a constant rate",
    "repeated and over-fitting",
    "turning up",
    "breaking",
    "constant without a decay",
)


@dataclass(frozen=True, eq=False)
class Truth:
    """Args:
    curve: the whole run, with noise; planned: its tokens.
    clean: (n,) the loss without noise at the curve's points, as trained to the end.
    right: names of the verdicts that are right from `onset` on (tokens); before it they are false alarms.
    """

    kind: str
    curve: Curve
    planned: float
    clean: Floats
    right: frozenset[str]
    onset: float


def draw(number: int, seed: int = 0) -> Truth:
    """Run `number` of the benchmark: the kinds take turns."""
    rng = np.random.default_rng([seed, number])
    kind = KINDS[number % len(KINDS)]
    return MAKERS[kind](kind, rng)


def _schedule(rng: np.random.Generator, name: str) -> Floats:
    """The rate at each step, as a share of the peak, after a short warm-up."""
    t = np.arange(1, STEPS + 1) / STEPS
    start = rng.uniform(0.6, 0.9)
    shapes = {
        "constant": np.ones(STEPS),
        "cosine": 0.1 + 0.45 * (1 + np.cos(np.pi * t)),
        "linear": 1 - t * (1 - 1e-3),
        "wsd": np.where(t < start, 1.0, 1e-3 + (1 - t) / (1 - start)),
        "early": np.interp(t, [0, 0.1, 0.3, 1], [1.0, 1.0, 0.03, 0.03]),
    }
    return np.minimum(shapes[name], t / 0.02)


def _loss(rng: np.random.Generator, rate: Floats, alpha: float, share: float) -> Floats:
    """`share` of the last loss is still reducible at a constant rate; annealing takes off 1 to 5 % more."""
    effective = np.cumsum(rate) / STEPS
    drops = np.r_[0.0, np.maximum(rate[:-1] - rate[1:], 0.0)]
    annealed = np.cumsum(lfilter([1.0], [1.0, -0.98], drops)) * 0.02
    loss = (1 - share) + share * effective**-alpha - rng.uniform(0.01, 0.05) * annealed
    return np.asarray(loss * rng.choice([0.05, 0.7, 3.0, 40.0]))


def _made(
    kind: str, rng: np.random.Generator, rate: Floats, loss: Floats, right: str, onset: float | None, unique: float | None = None
) -> Truth:
    points = int(rng.integers(60, 400))
    step = np.unique(np.linspace(0.03 * STEPS, STEPS, points).astype(int))
    clean, tokens = loss[step - 1], step * 1e5
    noise = 10 ** rng.uniform(-4, -2)
    if onset is None:  # flat: the threshold is a tenth of a percent, or the noise of a hundredth of the token budget
        onset = _flat_from(loss, max(0.001, noise / max(points / 100, 1) ** 0.5))
        onset = min(onset, 0.8) if "DECAY_NOW" in right else onset  # the last fifth of a constant rate is due for its decay anyway
    schedule = Schedule(np.arange(1, STEPS + 1), rate)
    curve = Curve(tokens, clean * (1 + noise * rng.standard_normal(len(step))), step, schedule, 1_000_000, unique)
    return Truth(kind, curve, float(tokens[-1]), clean, frozenset(right.split()), onset * float(tokens[-1]))


def _healthy(kind: str, rng: np.random.Generator) -> Truth:
    rate = _schedule(rng, str(rng.choice(["cosine", "linear", "wsd"])))
    loss = _loss(rng, rate, rng.uniform(0.2, 0.6), rng.uniform(0.1, 0.4))
    return _made(kind, rng, rate, loss, "CONTINUE TOO_EARLY CONTINUE_PAST_PLAN", 0.0)


def _flat(kind: str, rng: np.random.Generator) -> Truth:
    name = "early" if kind == "flat after the decay" else "constant"
    rate = _schedule(rng, name)
    longer = np.r_[rate, np.full(STEPS // 4, rate[-1])]
    loss = _loss(rng, longer, rng.uniform(0.8, 2.0), 10 ** rng.uniform(-4.0, -2.5))
    return _made(kind, rng, rate, loss, "STOP" if name == "early" else "DECAY_NOW STOP", None)  # onset: where nothing counts any more


def _flat_from(loss: Floats, threshold: float) -> float:
    """The share of the token budget from which the rest, or a quarter more where that is longer, brings less than the threshold."""
    t = np.arange(STEPS)
    later = np.maximum(STEPS - 1, np.minimum((1.25 * t).astype(int), len(loss) - 1))
    above = np.flatnonzero(1 - loss[later] / loss[:STEPS] >= threshold)
    return float(above[-1] + 2 if len(above) else 1) / STEPS


def _over_fitting(kind: str, rng: np.random.Generator) -> Truth:
    repeated = kind == "repeated and over-fitting"
    rate = _schedule(rng, "cosine" if repeated else "early")
    loss = _loss(rng, rate, rng.uniform(0.3, 0.7), rng.uniform(0.1, 0.3))
    t, begins = np.arange(1, STEPS + 1) / STEPS, rng.uniform(0.2, 0.6)
    loss = loss * (1 + rng.uniform(0.2, 0.6) * np.maximum(t - begins, 0.0) ** 1.5)
    lowest = float(np.argmin(loss) + 1) / STEPS
    return _made(kind, rng, rate, loss, "STOP", lowest, STEPS * 1e5 / rng.uniform(20, 60) if repeated else None)


def _breaking(kind: str, rng: np.random.Generator) -> Truth:
    rate = _schedule(rng, "cosine")
    loss = _loss(rng, rate, rng.uniform(0.2, 0.6), rng.uniform(0.1, 0.4))
    t, breaks = np.arange(1, STEPS + 1) / STEPS, rng.uniform(0.3, 0.7)
    return _made(kind, rng, rate, np.where(t > breaks, loss * rng.uniform(1.3, 2.0), loss), "INVESTIGATE", breaks)


def _undecayed(kind: str, rng: np.random.Generator) -> Truth:
    rate = _schedule(rng, "constant")
    loss = _loss(rng, rate, rng.uniform(0.2, 0.6), rng.uniform(0.1, 0.4))
    return _made(kind, rng, rate, loss, "DECAY_NOW", 0.8)


MAKERS = {
    "healthy": _healthy,
    "flat after the decay": _flat,
    "flat at a constant rate": _flat,
    "repeated and over-fitting": _over_fitting,
    "turning up": _over_fitting,
    "breaking": _breaking,
    "constant without a decay": _undecayed,
}
