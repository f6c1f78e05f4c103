"""What the next tokens are worth when they have been seen before (Muennighoff et al. 2023, arXiv 2305.16264).

A repeated token is worth exp(−R/R*) of a fresh one after R repetitions, R* = 15.4: 77 % after five epochs, half after twelve.
"""

from dataclasses import dataclass

import numpy as np

from lightning_scaling.laws.presets.repeated import R_D, effective

POOR = 0.5  # worth of the next repeated token below which fresh data is asked for


@dataclass(frozen=True)
class Repetition:
    """Args:
    epochs: passes over the data so far.
    worth: of the next repeated token, as a share of a fresh one.
    rest_worth: mean of that over the rest of the token budget.
    """

    epochs: float
    worth: float
    rest_worth: float


def repetition(tokens: float, budget: float, unique: float) -> Repetition:
    """How far a run on `unique` different tokens has repeated them.

    >>> r = repetition(tokens=12e9, budget=20e9, unique=1e9)
    >>> r.epochs, round(r.worth, 2), round(r.rest_worth, 2)
    (12.0, 0.49, 0.38)
    """
    epochs = tokens / unique
    seen = float(effective(tokens, min(unique, tokens)))
    left = max(budget - tokens, 1e-9 * tokens)
    rest = (float(effective(tokens + left, min(unique, tokens + left))) - seen) / left
    worth = float(np.exp(-(epochs - 1) / R_D)) if epochs > 1 else 1.0
    return Repetition(epochs, worth, rest)
