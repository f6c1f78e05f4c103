"""How many examples a batch holds: rows of its tensors, images in a list, graphs."""

from collections.abc import Mapping
from typing import Any

from lightning_scaling.accounting.batches import fields, graph_counts, is_integer, is_tensor, shape_of


def count_samples(batch: Any) -> int | None:
    """Examples in one batch; None where nothing in it has rows.

    >>> import numpy as np
    >>> count_samples((np.zeros((8, 3, 32, 32)), np.zeros(8, dtype=int)))
    8
    """
    if (graphs := graph_counts(batch)) is not None:
        return graphs[0]
    if is_tensor(batch):
        return int(shape_of(batch)[0]) if len(shape_of(batch)) else None
    parts = fields(batch)
    inner = list(parts.values()) if isinstance(parts, Mapping) else parts or []
    for part in inner:
        if isinstance(part, list | tuple) and _images(part):
            return len(part)
        if (count := count_samples(part)) is not None:
            return count
    return None


def _images(parts: Any) -> bool:
    """Whether a list holds examples and no fields: images of their own sizes, as detection and segmentation are fed."""
    return bool(parts) and all(is_tensor(part) and len(shape_of(part)) in (2, 3) and not is_integer(part) for part in parts)
