"""What learning rates schedulers will set, by stepping copies of them beside an optimiser that holds no weights.

The real scheduler and optimiser are not touched, nothing that hangs on them (model, trainer) is copied along, and what they print is not
shown. A scheduler of a user's own that computes its rates in `get_lr` is advanced by torch's `step`, not by its own, which may log.
"""

import contextlib
import copy
import functools
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats

OPTIMISER_HAS_STEPPED = {"_opt_called": True, "_step_count": 1}


def step_through(schedulers: Sequence[Any], calls: Sequence[NDArray[np.bool_]], group: int = 0) -> Floats:
    """Learning rates of the optimiser steps to come.

    Args:
        schedulers: torch schedulers of one optimiser, in their present state.
        calls: for each, (n,) after which of the next n optimiser steps it is stepped.
        group: the parameter group whose rate is read.

    Returns:
        (n + 1,) rates, the present one first; shorter where a scheduler refuses to go further (OneCycleLR past its end).
    """
    optimiser = stand_in(schedulers[0].optimizer)
    with quietly():
        steps = [_step_of(copied(scheduler, optimiser)) for scheduler in schedulers]
        rates = [rate_of(optimiser, group), *_stepped(steps, calls, optimiser, group)]
    return np.array(rates, dtype=np.float64)


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Nothing that a user's scheduler prints or warns of in here is seen: it was not asked to."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def rate_of(optimiser: Any, group: int = 0) -> float:
    """The learning rate of a parameter group as a number; NaN where it has none (relative steps, no `lr`, no parameters)."""
    rate = optimiser.param_groups[group].get("lr") if len(optimiser.param_groups) > group else None
    return float("nan") if rate is None else float(rate)


def _stepped(steps: Sequence[Callable[[], Any]], calls: Sequence[NDArray[np.bool_]], optimiser: Any, group: int) -> Iterator[float]:
    for called in zip(*(c.tolist() for c in calls), strict=True):
        try:
            for step, now in zip(steps, called, strict=True):
                if now:
                    step()
        except ValueError:
            return
        yield rate_of(optimiser, group)


def _step_of(scheduler: Any) -> Callable[[], Any]:
    """How to advance a copy: by its own `step`, or by torch's where only `get_lr` gives the rate."""
    from torch.optim.lr_scheduler import LRScheduler

    kind = type(scheduler)
    own_step = isinstance(scheduler, LRScheduler) and not _of_torch(_defining(kind, "step"))
    own_rate = own_step and not _of_torch(_defining(kind, "get_lr"))
    return functools.partial(LRScheduler.step, scheduler) if own_rate else scheduler.step


def _defining(kind: type, name: str) -> type:
    return next(each for each in kind.__mro__ if name in vars(each))


def _of_torch(kind: type) -> bool:
    return kind.__module__.startswith("torch.")


def stand_in(optimiser: Any) -> Any:
    """An optimiser with the same groups and settings, and no weights."""
    import torch

    other = torch.optim.SGD([torch.zeros(1)], lr=0.0)
    other.param_groups = [{k: _plain(v) for k, v in group.items() if k != "params"} | {"params": []} for group in optimiser.param_groups]
    other.defaults = {k: _plain(v) for k, v in optimiser.defaults.items()}
    for name, value in OPTIMISER_HAS_STEPPED.items():
        setattr(other, name, value)
    return other


def copied(scheduler: Any, optimiser: Any) -> Any:
    """A scheduler in the same state that acts on `optimiser`."""
    memo = {id(scheduler.optimizer): optimiser} | {id(kept): kept for kept in _shared(scheduler, 4)}
    other = copy.deepcopy(scheduler, memo)
    for each in _nested(other):
        each.optimizer = optimiser
        each.base_lrs = [_plain(rate) for rate in getattr(each, "base_lrs", [])]
        each.verbose = False
    return other


def _nested(scheduler: Any) -> Iterator[Any]:
    yield scheduler
    for inner in getattr(scheduler, "_schedulers", []):
        yield from _nested(inner)


def _plain(value: Any) -> Any:
    return float(value) if hasattr(value, "item") and getattr(value, "numel", lambda: 1)() == 1 else value


def _shared(value: Any, depth: int) -> Iterator[Any]:
    """Models and trainers that a scheduler refers to, e.g. through the method that is its lambda: used as they are, never copied."""
    if depth == 0:
        return
    if callable(getattr(value, "named_parameters", None)) or hasattr(value, "lightning_module"):
        yield value
        return
    for inner in _within(value):
        yield from _shared(inner, depth - 1)


def _within(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list | tuple | set):
        return list(value)
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if (owner := getattr(value, "__self__", None)) is not None:
        return [owner]
    return [v for k, v in getattr(value, "__dict__", {}).items() if k != "optimizer"] if hasattr(value, "step") else []
