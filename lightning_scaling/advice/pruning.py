"""Should a trial of a search be pruned? Its forecast against the best finished run: a pruner that knows the learning-rate schedule.

Pruners that compare trials at equal steps drop slow starters and late decays. This asks where the trial will end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lightning_scaling.advice.annealing import remaining_annealing
from lightning_scaling.advice.evidence import FEWEST
from lightning_scaling.forecasting import forecast
from lightning_scaling.numbers import loss, loss_interval
from lightning_scaling.run.curve import Curve


@dataclass(frozen=True)
class Pruning:
    """Args:
    prune: end the trial.
    chance: probability that it would end below the best finished run.
    because: one sentence with the numbers.
    """

    prune: bool
    chance: float
    because: str


def should_prune(curve: Curve, at: float, best: float, siblings: Sequence[Curve] = (), chance: float = 0.05) -> Pruning:
    """Whether a trial is to be pruned: it ends below `best` with a probability under `chance`.

    Args:
        curve: the trial so far, with its schedule.
        at: tokens at which it would end.
        best: final loss of the best finished trial.
        siblings: finished trials of other sizes, for the forecast.

    Example with Optuna: `if should_prune(curve, budget, study.best_value).prune: raise optuna.TrialPruned()`.

    >>> tokens = np.linspace(1e6, 3e8, 100)
    >>> should_prune(Curve(tokens, 3 + 900 / tokens**0.5), 1e9, best=2.0).prune
    True
    """
    if not 0 < chance < 1:
        raise ValueError(f"chance is a probability between 0 and 1, got {chance}")
    if np.isfinite(curve.loss).sum() < FEWEST or remaining_annealing(curve, at).warming:
        return Pruning(False, 1.0, "too early to say where this trial will end")
    if not np.isfinite(curve.loss[-3:]).any():
        return Pruning(True, 0.0, "the last losses are not finite")
    found = forecast(curve, at=at, siblings=siblings)
    below = found.probability_below(best)
    if not np.isfinite(below):
        return Pruning(False, 1.0, str(found.outcome))
    ends = f"it is expected to end at {loss_interval(found.loss, found.low, found.high)}"
    return Pruning(below < chance, below, f"{ends}, below the best so far ({loss(best)}) with probability {below:.2g}")
