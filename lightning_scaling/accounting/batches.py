"""What a batch is made of: its parts, by duck typing, so that no framework needs to be imported."""

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any


def is_tensor(value: Any) -> bool:
    """A torch tensor, numpy array or anything else with a shape and a dtype; no table of tensors, which has keys."""
    return is_nested(value) or (hasattr(value, "shape") and hasattr(value, "dtype") and not hasattr(value, "keys"))


def is_nested(value: Any) -> bool:
    """A torch NestedTensor, strided or jagged; a strided one raises where its shape is asked for."""
    return getattr(value, "is_nested", False) is True


def is_integer(tensor: Any) -> bool:
    """Whether its dtype can hold ids (signed or unsigned integers, not booleans)."""
    return _holds_ids(tensor.dtype)


@lru_cache(maxsize=64)
def _holds_ids(dtype: Any) -> bool:
    return "int" in str(dtype)


def shape_of(tensor: Any) -> tuple[int, ...]:
    """Its shape; of a nested tensor (rows, values), so that nothing is read from a device."""
    return (int(tensor.size(0)), int(tensor.numel())) if is_nested(tensor) else tuple(tensor.shape)


def fields(batch: Any) -> Mapping[str, Any] | list[Any] | None:
    """The parts of a container, else None.

    By name for dicts, named tuples, tables of tensors, dataclasses (slotted or not) and objects with tensors among their attributes; in
    order for lists and tuples.
    """
    if isinstance(batch, list | tuple):
        return dict(zip(batch._fields, batch, strict=True)) if hasattr(batch, "_fields") else list(batch)
    if isinstance(batch, dict | Mapping):
        return batch
    if is_tensor(batch) or isinstance(batch, type) or graph_counts(batch) is not None:
        return None
    if dataclasses.is_dataclass(batch):
        return {f.name: getattr(batch, f.name) for f in dataclasses.fields(batch) if hasattr(batch, f.name)}
    if callable(getattr(batch, "keys", None)) and hasattr(batch, "__getitem__"):
        return {str(name): batch[name] for name in batch.keys()}  # noqa: SIM118, a TensorDict iterates over its rows
    return _attributes(batch)


def _attributes(batch: Any) -> Mapping[str, Any] | None:
    slots = [name for kind in type(batch).__mro__ for name in _slots(kind)]
    names = [name for name in (*getattr(batch, "__dict__", {}), *slots) if not name.startswith("_")]
    held = {name: getattr(batch, name) for name in names if hasattr(batch, name)}
    return held if any(map(is_tensor, held.values())) else None


def _slots(kind: type) -> tuple[str, ...]:
    slots = kind.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def shape_key(batch: Any) -> Any:
    """A hashable that two batches share only where counts by shape are the same: types, names and shapes.

    Raises:
        TypeError: something in it whose shape is not enough (graphs, nested tensors, unknown objects).
    """
    kind = type(batch)
    if kind is dict:
        return kind, *batch, *map(shape_key, batch.values())
    if kind is list or kind is tuple:
        return kind, *map(shape_key, batch)
    if (shape := getattr(batch, "shape", None)) is not None and not is_nested(batch) and not hasattr(batch, "keys"):
        return kind, shape, batch.dtype
    if isinstance(batch, str | int | float | bytes) or fetches(batch):
        return kind
    if not dataclasses.is_dataclass(kind):
        raise TypeError(f"{kind.__name__} has no shape")
    return kind, *[shape_key(getattr(batch, name)) for name in _names(kind)]


@lru_cache(maxsize=64)
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def graph_counts(batch: Any) -> tuple[int, int] | None:
    """Graphs and nodes in a batch of graphs (torch_geometric, DGL); None for anything else.

    Of a sampled neighbourhood the seed nodes are the examples.
    """
    if not (hasattr(batch, "num_nodes") and hasattr(batch, "num_edges")):
        return None
    nodes = batch.num_nodes() if callable(batch.num_nodes) else batch.num_nodes
    graphs = next((n for n in (getattr(batch, name, None) for name in ("num_graphs", "batch_size")) if isinstance(n, int)), 1)
    return graphs, int(nodes or 0)


def fetches(batch: Any) -> bool:
    """Whether it is an iterator over batches, or nothing yet: a training step that takes `dataloader_iter` fetches them itself."""
    return batch is None or isinstance(batch, Iterator)


def step_fetches(training_step: Any) -> bool:
    """Whether a training step takes `dataloader_iter`: what hooks are handed before it is no batch of this step.

    Its batch is known after it, so a meter begins and confirms it there; where it fetches several, tokens=<int> states their number.

    >>> step_fetches(lambda dataloader_iter: 0.0), step_fetches(lambda batch, batch_idx: 0.0)
    (True, False)
    """
    return next(iter(inspect.signature(training_step).parameters), None) == "dataloader_iter"


def describe(batch: Any, depth: int = 3) -> str:
    """The shapes and types in a batch in one line.

    >>> import numpy as np
    >>> describe((np.zeros((8, 3, 32, 32)), np.zeros(8, dtype=int)))
    'tuple of [float64 of shape (8, 3, 32, 32), int64 of shape (8,)]'
    """
    if is_nested(batch):
        return "nested {} of {} rows and {} values".format(str(batch.dtype).removeprefix("torch."), *shape_of(batch))
    if is_tensor(batch):
        return f"{str(batch.dtype).removeprefix('torch.')} of shape {tuple(batch.shape)}"
    if (counts := graph_counts(batch)) is not None:
        return f"{type(batch).__name__} of {counts[0]} graphs with {counts[1]} nodes"
    parts = fields(batch)
    name = type(batch).__name__
    if parts is None or depth == 0:
        return name
    if isinstance(parts, Mapping):
        return f"{name} with {{{_few([f'{k}: {describe(v, depth - 1)}' for k, v in list(parts.items())[:7]], len(parts))}}}"
    return f"{name} of [{_few([describe(v, depth - 1) for v in parts[:7]], len(parts))}]"


def _few(texts: list[str], total: int) -> str:
    return ", ".join(texts[:6] + ([f"… {total - 6} more"] if total > 6 else []))
