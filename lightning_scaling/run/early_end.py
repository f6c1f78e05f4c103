"""A run that was ended on purpose before its token budget, and as what it may enter a law.

A loss from before the decay of the learning rate is not that of a finished run of so many tokens: annealing takes another few per cent off
it (Hägele et al. 2024). What may enter is the forecast end, with its interval; or the last loss, where no decay was planned.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from lightning_scaling.run.record import RunRecord

KEY = "early"  # in the `extra` of a record
SETTLED = "settled"
ILL = "INVESTIGATE"


@dataclass(frozen=True)
class EarlyEnd:
    """Why a run was ended before its token budget.

    Args:
        reason: "settled" (its end was known well enough), or the name of the verdict that ended it.
        because: one sentence with the numbers.
        planned: tokens it was to be trained on.
        needs: relative standard deviation of its end from which it counted as settled.
        loss, low, high, level: the forecast of its end; NaN where there is none.
        constant: its rate was never to fall, so its last loss is that of a finished run of the tokens it saw.
    """

    reason: str
    because: str
    planned: int
    needs: float = math.nan
    loss: float = math.nan
    low: float = math.nan
    high: float = math.nan
    level: float = 0.9
    constant: bool = False

    @property
    def settled(self) -> bool:
        """Whether its end was known well enough."""
        return self.reason == SETTLED

    @property
    def as_it_is(self) -> bool:
        """Whether it enters a law as a run of the tokens it saw."""
        return self.constant and self.reason != ILL

    @property
    def as_forecast(self) -> bool:
        """Whether it enters a law with its forecast end."""
        return self.settled and not self.constant

    @property
    def spread(self) -> float:
        """Relative standard deviation of the forecast end."""
        return relative_spread(self.low, self.high, self.level)

    def to_json(self) -> dict[str, Any]:
        """A plain dict; null for what is not known."""
        return {name: None if value != value else value for name, value in vars(self).items()}


def relative_spread(low: float, high: float, level: float) -> float:
    """Standard deviation of a loss, relative to it, from its interval; infinite where that is none.

    >>> round(relative_spread(1.98, 2.02, 0.9), 4)
    0.0061
    """
    if not (0 < low <= high < math.inf):
        return math.inf
    return float(np.log(high / low) / (2 * ndtri((1 + level) / 2)))


def early_end(record: RunRecord) -> EarlyEnd | None:
    """Why this run was ended before its token budget; None for any other."""
    found = record.extra.get(KEY)
    if not isinstance(found, dict):
        return None
    known: dict[str, Any] = {name: math.nan if value is None else value for name, value in found.items()}
    return EarlyEnd(**known)
