"""What a batch is made of: its parts, by duck typing, so that no framework needs to be imported."""

import dataclasses
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

# In this order: what a model is fed, then what it is taught (labels have the shape of the ids where embeddings are fed).
INPUT_KEYS = ("input_ids", "tokens", "token_ids", "ids", "idx", "inputs", "input", "x", "text", "src", "labels", "targets")


def is_tensor(value: Any) -> bool:
    """A torch tensor, numpy array or anything else with a shape and a dtype."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def is_integer(tensor: Any) -> bool:
    """Whether its dtype can hold ids (signed or unsigned integers, not booleans)."""
    return _holds_ids(tensor.dtype)


@lru_cache(maxsize=64)
def _holds_ids(dtype: Any) -> bool:
    return "int" in str(dtype)


def fields(batch: Any) -> Mapping[str, Any] | list[Any] | None:
    """The parts of a container: by name for dicts, named tuples and dataclasses, in order for lists and tuples, else None."""
    if isinstance(batch, list | tuple):
        return dict(zip(batch._fields, batch, strict=True)) if hasattr(batch, "_fields") else list(batch)
    if isinstance(batch, dict | Mapping):
        return batch
    return vars(batch) if dataclasses.is_dataclass(batch) and not isinstance(batch, type) else None


def describe(batch: Any, depth: int = 3) -> str:
    """The shapes and types in a batch in one line.

    >>> import numpy as np
    >>> describe((np.zeros((8, 3, 32, 32)), np.zeros(8, dtype=int)))
    'tuple of [float64 of shape (8, 3, 32, 32), int64 of shape (8,)]'
    """
    if is_tensor(batch):
        return f"{str(batch.dtype).removeprefix('torch.')} of shape {tuple(batch.shape)}"
    parts = fields(batch)
    name = type(batch).__name__
    if parts is None or depth == 0:
        return name
    if isinstance(parts, Mapping):
        return f"{name} with {{{_few([f'{k}: {describe(v, depth - 1)}' for k, v in list(parts.items())[:7]], len(parts))}}}"
    return f"{name} of [{_few([describe(v, depth - 1) for v in parts[:7]], len(parts))}]"


def _few(texts: list[str], total: int) -> str:
    return ", ".join(texts[:6] + ([f"… {total - 6} more"] if total > 6 else []))
