"""How many tokens of a batch are kept by its mask: padding and ignored labels left out.

This is the one count that reads values. The sum stays a tensor on its device until someone asks for it.
"""

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Any

from lightning_scaling.accounting.batches import describe, fields, is_tensor
from lightning_scaling.accounting.ids import INPUT_KEYS, id_entries
from lightning_scaling.accounting.loaders import Tree, split
from lightning_scaling.accounting.tokens import TokenCountError

IGNORED_LABEL = -100  # the index that cross-entropy ignores by default
# Names of a mask, and the value that leaves a token out; embeddings are fed with labels beside them.
MASKS = (("attention_mask", 0), ("labels", IGNORED_LABEL))


def kept_tokens(batch: Any, tree: Tree = None) -> Any:
    """The number of tokens that `attention_mask`, or else labels other than -100, keep: a 0-d tensor on the batch's device.

    Raises:
        TokenCountError: no mask beside the ids.

    >>> import numpy as np
    >>> ids = np.array([[5, 6, 0, 0], [7, 8, 9, 0]])
    >>> int(kept_tokens({"input_ids": ids, "attention_mask": (ids > 0).astype(int)}))
    5
    """
    return reduce(add, [_kept(part) for part in split(batch, tree)])


def _kept(batch: Any) -> Any:
    masks = _with_mask(batch)
    if not masks:
        raise TokenCountError(
            f"mask=True needs attention_mask beside input_ids, or labels with {IGNORED_LABEL} where ignored (saw {describe(batch)})"
        )
    return reduce(add, [(mask != ignored).sum() for mask, ignored in masks])


def _with_mask(batch: Any) -> list[tuple[Any, int]]:
    parts = fields(batch)
    if isinstance(parts, Mapping):
        if beside := _beside_ids(parts):
            return beside
        parts = list(parts.values())
    inner = [part for part in parts or [] if not is_tensor(part) and fields(part) is not None]
    found = [_with_mask(part) for part in inner]
    return [mask for masks in found for mask in masks] if all(found) else []


def _beside_ids(parts: Mapping[str, Any]) -> list[tuple[Any, int]]:
    entries = id_entries(parts) or {name: 1 for name in (*INPUT_KEYS, "labels", "targets") if is_tensor(parts.get(name))}
    found = [_mask_of(parts, name) for name, times in entries.items() for _ in range(times)]
    return [mask for mask in found if mask is not None] if all(mask is not None for mask in found) else []


def _mask_of(parts: Mapping[str, Any], name: str) -> tuple[Any, int] | None:
    ids = parts[name]
    if not is_tensor(ids):
        return None
    shape = tuple(ids.shape[:2])  # embeddings fed instead of ids have a third axis
    for kind, ignored in MASKS:
        key = name.replace("input_ids", kind) if "input_ids" in name else kind
        if is_tensor(parts.get(key)) and tuple(parts[key].shape) in (shape, tuple(ids.shape)):
            return parts[key], ignored
    return None
