"""What learning rates schedulers will set, by stepping copies of them beside an optimiser that holds no weights.

The real scheduler and optimiser are not touched, and nothing that hangs on them (model, trainer) is copied along.
"""

import copy
import functools
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPTIMISER_HAS_STEPPED = {"_opt_called": True, "_step_count": 1}


def replay(schedulers: Sequence[Any], calls: Sequence[NDArray[np.bool_]], group: int = 0) -> NDArray[np.float64]:
    """Learning rates of the optimiser steps to come.

    Args:
        schedulers: torch schedulers of one optimiser, as they stand now.
        calls: for each, (n,) after which of the next n optimiser steps it is stepped.
        group: the parameter group whose rate is read.

    Returns:
        (n + 1,) rates, the present one first; shorter where a scheduler refuses to go on (OneCycleLR past its end).
    """
    optimiser = stand_in(schedulers[0].optimizer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        copies = [copied(scheduler, optimiser) for scheduler in schedulers]
        rates = [float(optimiser.param_groups[group]["lr"]), *_stepped(copies, calls, optimiser.param_groups[group])]
    return np.array(rates, dtype=np.float64)


def _stepped(copies: Sequence[Any], calls: Sequence[NDArray[np.bool_]], group: dict[str, Any]) -> Iterator[float]:
    for called in zip(*(c.tolist() for c in calls), strict=True):
        try:
            for scheduler, now in zip(copies, called, strict=True):
                if now:
                    scheduler.step()
        except ValueError:
            return
        yield float(group["lr"])


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
    """A scheduler in the same state that acts on `optimiser`, quietly."""
    memo = {id(scheduler.optimizer): optimiser} | {id(kept): kept for kept in _kept(scheduler, 4)}
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


def _kept(value: Any, depth: int) -> Iterator[Any]:
    """Models and trainers that a scheduler refers to, e.g. through the method that is its lambda: used as they are, never copied."""
    if depth == 0:
        return
    if callable(getattr(value, "named_parameters", None)) or hasattr(value, "lightning_module"):
        yield value
        return
    for inner in _within(value):
        yield from _kept(inner, depth - 1)


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
