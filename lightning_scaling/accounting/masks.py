"""How many tokens of a batch are kept by its mask: padding and ignored labels left out.

This is the one count that reads values. The sum stays a tensor on its device until someone asks for it.
"""

from collections.abc import Mapping
from typing import Any

from lightning_scaling.accounting.batches import INPUT_KEYS, describe, fields, is_tensor
from lightning_scaling.accounting.tokens import TokenCountError

IGNORED_LABEL = -100  # the index that cross-entropy ignores by default


def kept_tokens(batch: Any) -> Any:
    """The number of tokens that `attention_mask`, or else labels other than -100, keep: a 0-d tensor on the batch's device.

    Raises:
        TokenCountError: no mask beside the ids.

    >>> import numpy as np
    >>> ids = np.array([[5, 6, 0, 0], [7, 8, 9, 0]])
    >>> int(kept_tokens({"input_ids": ids, "attention_mask": (ids > 0).astype(int)}))
    5
    """
    named = _with_mask(batch)
    if named is None:
        raise TokenCountError(
            f"mask=True needs attention_mask beside input_ids, or labels with {IGNORED_LABEL} where ignored (saw {describe(batch)})"
        )
    mask, ignored = named
    return (mask != ignored).sum()


def _with_mask(batch: Any) -> tuple[Any, int] | None:
    parts = fields(batch)
    if isinstance(parts, Mapping):
        if (found := _beside_ids(parts)) is not None:
            return found
        parts = list(parts.values())
    return next((found for part in parts or [] if (found := _with_mask(part)) is not None), None)


def _beside_ids(parts: Mapping[str, Any]) -> tuple[Any, int] | None:
    ids = next((parts[k] for k in INPUT_KEYS if is_tensor(parts.get(k))), None)
    if ids is None:
        return None
    shape = tuple(ids.shape[:2])  # embeddings fed instead of ids have a third axis
    for key, ignored in (("attention_mask", 0), ("labels", IGNORED_LABEL)):
        if is_tensor(parts.get(key)) and tuple(parts[key].shape) in (shape, tuple(ids.shape)):
            return parts[key], ignored
    return None
