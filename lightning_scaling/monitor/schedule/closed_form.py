"""The rates of a long schedule without stepping through all of it: schedulers whose rate depends on their position alone are asked for it.

Stepping costs about 5 µs, five seconds for a million steps. torch's own schedulers (and all of transformers', which are LambdaLR) know
their rate at any position; knots between sampled positions are found by halving.
"""

import bisect
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats
from lightning_scaling.monitor.schedule.stepping import copied, quietly, rate_of, stand_in

SAMPLES = 2048
MOST_SAMPLES = 30_000
CHECKED = 300  # positions at which stepping must agree before the closed form is used
TOLERANCE = 1e-6
BY_POSITION = ("OneCycleLR", "CyclicLR")  # get_lr reads last_epoch only


def rates_by_position(scheduler: Any, called: NDArray[np.bool_], group: int = 0) -> tuple[NDArray[np.int64], Floats] | None:
    """Steps from now and their rates, dense enough for every knot; None where the scheduler cannot be asked or does not agree with itself.

    Args:
        scheduler: a torch scheduler, in its present state.
        called: (n,) after which of the next n optimiser steps it is stepped.
        group: the parameter group whose rate is read.
    """
    if not hasattr(scheduler, "last_epoch"):  # ChainedScheduler keeps no position of its own
        return None
    position = scheduler.last_epoch + np.concatenate([[0], np.cumsum(called)])
    with quietly():
        try:
            rate = _asked(copied(scheduler, stand_in(scheduler.optimizer)), position, group)
            return _dense(rate, len(called)) if rate is not None and _agrees(scheduler, rate, called, group) else None
        except (ValueError, ArithmeticError, AttributeError, TypeError):
            return None


def _asked(scheduler: Any, position: NDArray[np.int64], group: int) -> Callable[[int], float] | None:
    if rate_at(scheduler, int(position[0]), group) is None:
        return None
    return lambda remaining: float(rate_at(scheduler, int(position[remaining]), group) or 0.0)


def rate_at(scheduler: Any, position: int, group: int) -> float | None:
    """The rate of torch's own schedulers at a position (calls of `step` since they were made); None for others."""
    kind = type(scheduler)
    if not kind.__module__.startswith("torch."):
        return None
    if kind.__name__ == "LambdaLR":
        return float(scheduler.base_lrs[group] * scheduler.lr_lambdas[group](position))
    if kind.__name__ == "SequentialLR":
        part = bisect.bisect_right(scheduler._milestones, position)
        return rate_at(scheduler._schedulers[part], position - ([0, *scheduler._milestones])[part], group)
    if kind.__name__ == "CosineAnnealingWarmRestarts":
        scheduler.step(position)
        return rate_of(scheduler.optimizer, group)
    ask = scheduler.get_lr if kind.__name__ in BY_POSITION else getattr(scheduler, "_get_closed_form_lr", None)
    scheduler.last_epoch = position
    return None if ask is None else float(ask()[group])


def _agrees(scheduler: Any, rate: Callable[[int], float], called: NDArray[np.bool_], group: int) -> bool:
    """Whether asking gives what stepping gives in the first steps: a rate changed by hand since is not in a closed form."""
    optimiser = stand_in(scheduler.optimizer)
    other = copied(scheduler, optimiser)
    stepped = [rate_of(optimiser, group)]
    for now in called[:CHECKED].tolist():
        if now:
            other.step()
        stepped.append(rate_of(optimiser, group))
    return bool(np.allclose([rate(remaining) for remaining in range(len(stepped))], stepped, rtol=1e-6, atol=1e-9 * max(stepped)))


def _dense(rate: Callable[[int], float], last: int) -> tuple[NDArray[np.int64], Floats]:
    first = np.unique(np.linspace(0, last, SAMPLES).astype(np.int64)).tolist()
    known = {remaining: rate(remaining) for remaining in first}
    enough = TOLERANCE * max(known.values())
    open_ = list(pairwise(first))
    while open_ and len(known) < MOST_SAMPLES:
        open_ = [half for low, high in open_ for half in _halved(rate, known, low, high, enough)]
    steps = sorted(known)
    return np.array(steps, dtype=np.int64), np.array([known[s] for s in steps])


def _halved(rate: Callable[[int], float], known: dict[int, float], low: int, high: int, enough: float) -> Sequence[tuple[int, int]]:
    """The two halves of an interval in which the rate is not a straight line; none where it is, or where nothing is left between."""
    if high - low < 2:
        return ()
    middle = (low + high) // 2
    known[middle] = rate(middle)
    line = known[low] + (known[high] - known[low]) * (middle - low) / (high - low)
    return ((low, middle), (middle, high)) if abs(known[middle] - line) > enough else ()
