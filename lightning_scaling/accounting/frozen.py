"""Notices within a few batches that weights of a model were frozen or unfrozen, without looking at all of them in every step.

Looking at one weight takes up to a microsecond when the step has emptied the caches, so every fourth step looks at a few, spread over the
model: a quarter of the model that is frozen is seen within four steps, a single weight within as many steps as there are weights.
"""

from collections.abc import Iterable
from typing import Any

AT_ONCE = 4  # weights at a look
FEW = 8  # so many are all looked at in every step
STEPS = 4  # between two looks at some of more


class FrozenWatch:
    """The weights of a torch module and which of them are trained.

    >>> class Weight:
    ...     requires_grad = True
    >>> weights = [Weight() for _ in range(40)]
    >>> watch = FrozenWatch(weights)
    >>> watch.changed()
    False
    >>> weights[7].requires_grad = False
    >>> [watch.changed() for _ in range(4)]
    [False, False, True, False]
    """

    def __init__(self, weights: Iterable[Any] = ()) -> None:
        trained = [(weight, bool(weight.requires_grad)) for weight in weights]
        self.every = 1 if len(trained) <= FEW else STEPS  # steps from one look to the next
        apart = 1 if len(trained) <= FEW else -(-len(trained) // AT_ONCE)
        self._parts = [trained[first::apart] for first in range(apart)]
        self._next = 0

    def changed(self) -> bool:
        """Whether one of the weights whose turn it is has been frozen or unfrozen. Called in a step."""
        part = self._parts[self._next]
        self._next = (self._next or len(self._parts)) - 1
        for weight, trained in part:  # noqa: SIM110, a generator would cost as much again
            if weight.requires_grad is not trained:
                return True
        return False
