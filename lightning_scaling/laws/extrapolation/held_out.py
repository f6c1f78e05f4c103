"""The largest run predicted from the smaller ones, and what was observed: a test of the law on the runs themselves."""

from dataclasses import dataclass

import numpy as np

from lightning_scaling.laws.extrapolation.larger import predict_larger
from lightning_scaling.laws.finished_runs import FinishedRuns

# Runs of at most this share of the largest run's compute take part in its prediction.
SMALLER = 0.67
FEWEST = 4


@dataclass(frozen=True)
class HeldOut:
    """The prediction of one run that took no part in it, and the loss that was observed (NaN while it is not known).

    `beyond`: its compute over the largest compute the prediction was made from.
    """

    params: float
    tokens: float
    flops: float
    loss: float
    low: float
    high: float
    observed: float = float("nan")
    level: float = 0.9
    beyond: float = float("nan")
    outcome: str = ""

    @property
    def error(self) -> float:
        """The prediction against the observed loss, as a share."""
        return self.loss / self.observed - 1

    @property
    def inside(self) -> bool:
        """Whether the observed loss lies within the interval."""
        return self.low <= self.observed <= self.high


def hold_out_largest(runs: FinishedRuns, level: float = 0.9, seed: int | None = 0) -> HeldOut | None:
    """The run of most compute, predicted from the runs of at most two thirds of it; None where fewer than four are that small."""
    if not runs.observed.any():
        return None
    last = int(np.argmax(np.where(runs.observed, runs.flops, -np.inf)))
    smaller = runs.take(runs.flops < SMALLER * runs.flops[last])
    if len(smaller) < FEWEST:
        return None
    size, tokens, flops = float(runs.params[last]), float(runs.tokens[last]), float(runs.flops[last])
    made = predict_larger(smaller.params, smaller.tokens, smaller.loss, size, tokens, level=level, seed=seed, groups=smaller.groups)
    beyond = flops / float(smaller.flops.max())
    bounds = (float(made.loss), float(made.low), float(made.high))
    return HeldOut(size, tokens, flops, *bounds, float(runs.loss[last]), level, beyond, str(made.outcome))
