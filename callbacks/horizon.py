"""How far a training is planned to go: tokens at the end of the plan, from the trainer's limits and the tokens seen per batch.

Read without touching anything: `Trainer.estimated_stepping_batches` may load data and knows neither manual optimisation nor
`max_time`, so the limits are put together here, in batches that are still to come.
"""

import math
import time
from dataclasses import dataclass
from typing import Any


@dataclass
class Horizon:
    """What this fit has seen, to extend it to the trainer's limits.

    Args:
        tokens: cumulative tokens when this fit began.
        global_step: the trainer's optimiser steps then.
        batches: batches trained in this fit on this rank.
        epoch_batches: batches trained in the running epoch.
        started: the clock when this fit began, in seconds.
    """

    tokens: int
    global_step: int
    batches: int = 0
    epoch_batches: int = 0
    started: float = 0.0

    @classmethod
    def at_start(cls, trainer: Any, tokens: int) -> "Horizon":
        """The horizon of a fit that begins now."""
        return cls(tokens, trainer.global_step, started=time.monotonic())

    def planned_tokens(self, trainer: Any, tokens: int) -> int | None:
        """Tokens at the end of the plan; None where the plan has no end or nothing was trained yet."""
        left = self._batches_left(trainer)
        if left is None or not self.batches:
            return None
        return tokens + round(left * (tokens - self.tokens) / self.batches)

    def _batches_left(self, trainer: Any) -> float | None:
        limits = [self._by_epochs(trainer), self._by_steps(trainer), self._by_time(trainer)]
        known = [limit for limit in limits if limit is not None]
        return max(min(known), 0.0) if known else None

    def _by_epochs(self, trainer: Any) -> float | None:
        length, epochs = trainer.num_training_batches, trainer.max_epochs
        if epochs in (None, -1) or not math.isfinite(length):
            return None
        return float((epochs - trainer.current_epoch) * length - self.epoch_batches)

    def _by_steps(self, trainer: Any) -> float | None:
        steps = trainer.global_step - self.global_step
        if trainer.max_steps in (None, -1) or steps <= 0:
            return None
        return float((trainer.max_steps - trainer.global_step) * self.batches / steps)

    def _by_time(self, trainer: Any) -> float | None:
        clocks = [c for c in trainer.callbacks if type(c).__name__ == "Timer" and c.time_remaining() is not None]
        spent = time.monotonic() - self.started
        return min(self.batches * c.time_remaining() / spent for c in clocks) if clocks and spent > 0 else None
