"""Before a far prediction is trusted: the one affordable run that would narrow its interval most."""

from dataclasses import dataclass

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.arrays import Floats
from lightning_scaling.laws.extrapolation.drift import LogRuns
from lightning_scaling.laws.extrapolation.posterior import LawPosterior
from lightning_scaling.units import pf_days, training_flops

# Runs of at most this share of the target's compute are proposed.
DEAREST = 1 / 3
STEPS = 7
# A run is worth proposing where it takes a tenth off the interval.
LEAST = 0.1


@dataclass(frozen=True)
class Shorten:
    """A run to train first: its size, length and cost, and the width of the interval after it over the width before."""

    params: int
    tokens: int
    flops: int
    pf_days: float
    width_left: float

    def __str__(self) -> str:
        left = f"brings this interval to {100 * self.width_left:.0f} % of its width"
        how = "halves this interval" if 0.45 <= self.width_left <= 0.55 else left
        ratio = self.tokens / self.params
        return (
            f"one run of {numbers.scientific(self.flops)} FLOPs at {ratio:.3g} tokens per parameter "
            f"({numbers.count(self.params)} parameters) {how}: {numbers.pf_days(self.pf_days)}"
        )


def candidates(runs: LogRuns, u: float, v: float) -> tuple[Floats, Floats]:
    """Runs (c,) at the target's ratio of tokens to parameters, from the largest compute so far to a third of the target's."""
    top = (runs.x + runs.y).max()
    steps = np.linspace(top, max(u + v + np.log(DEAREST), top), STEPS)
    return np.asarray(u - 0.5 * (u + v - steps)), np.asarray(v - 0.5 * (u + v - steps))


def shorten(runs: LogRuns, found: LawPosterior, u: Floats, v: Floats, centre: tuple[float, float]) -> Shorten | None:
    """The cheapest candidate that halves the interval of the first target of `found`, else the one that narrows it most."""
    covariance, noise = found.covariance, found.noise**2
    before = covariance[0, 0] + noise
    after = before - covariance[0, 1:] ** 2 / (np.diag(covariance)[1:] + noise)
    left = np.sqrt(np.maximum(after, 0.0) / before)
    if left.min() > 1 - LEAST:
        return None
    best = int(np.argmax(left <= 0.5)) if (left <= 0.5).any() else int(np.argmin(left + 1e-3 * np.arange(len(left))))
    size, length = (int(np.rint(np.exp(w[best] + c))) for w, c in zip((u, v), centre, strict=True))
    flops = training_flops(size, length)
    return Shorten(size, length, flops, pf_days(flops), float(left[best]))
