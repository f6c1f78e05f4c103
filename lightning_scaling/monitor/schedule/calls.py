"""When a trainer makes an optimiser step and when it steps a scheduler: after which of the remaining optimiser steps.

A scheduler with interval "step" is stepped with the optimiser where the batch's number in its epoch is divisible by the frequency;
one with interval "epoch" after the last batch of every frequency-th epoch. The number of a batch starts again in each epoch.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_STEPS = 10_000_000


@dataclass(frozen=True)
class SchedulerCalls:
    """The rest of a training in batches.

    Args:
        end: optimiser step at which it ends, None without end.
        step: optimiser steps made so far.
        epoch_batches: batches of an epoch, None where unknown or endless.
        epoch: epochs finished.
        batch: batches trained in the running epoch.
        accumulate: batches per optimiser step, by epoch.
    """

    end: int | None
    step: int = 0
    epoch_batches: int | None = None
    epoch: int = 0
    batch: int = 0
    accumulate: Callable[[int], int] = lambda _: 1

    def batches(self, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The number in its epoch of the batch that ends each of the next `most` steps, and the epoch that ends with it, else -1."""
        wanted, batch, epoch = min(most, MOST_STEPS), self.batch, self.epoch
        numbers, epochs = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        while wanted > 0:
            ends = self._ends(batch, max(1, self.accumulate(epoch)), wanted)
            last = np.where(ends == (self.epoch_batches or -1), epoch, -1)
            numbers.append(ends)
            epochs.append(last)
            wanted, batch, epoch = wanted - len(ends), 0, epoch + 1
        return np.concatenate(numbers), np.concatenate(epochs)

    def _ends(self, batch: int, every: int, most: int) -> NDArray[np.int64]:
        first = batch // every + 1
        if self.epoch_batches is None:
            return np.arange(first, first + most, dtype=np.int64) * every
        count = math.ceil(self.epoch_batches / every)
        return np.minimum(np.arange(first, min(count, first + most - 1) + 1, dtype=np.int64) * every, self.epoch_batches)

    def calls(self, interval: str, frequency: int, most: int) -> NDArray[np.bool_]:
        """After which of the next `most` optimiser steps a scheduler is stepped."""
        if interval == "step" and frequency == 1:
            return np.ones(min(most, MOST_STEPS), dtype=np.bool_)
        numbers, epochs = self.batches(most)
        by_epoch: NDArray[np.bool_] = (epochs >= 0) & ((epochs + 1) % frequency == 0)
        by_batch: NDArray[np.bool_] = numbers % frequency == 0
        return by_epoch if interval == "epoch" else by_batch
