"""How many tokens a training batch holds, read from shapes on the host: no value of any tensor is touched.

Ids are integer tensors of shape (batch, length). Of a pair (x, y) x is counted and y, the same tokens shifted, is not; of a dict the
entry that holds the inputs. Anything else (floats, images, graphs) has no tokens that a shape could tell, and is asked about in words.
"""

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from lightning_scaling.accounting.batches import INPUT_KEYS, describe, fields, is_integer, is_tensor

TokenRule = Callable[[Any], int] | str | None


class TokenCountError(ValueError):
    """The batch does not tell how many tokens it holds; the message says what was seen and how to tell."""


def explain(batch: Any) -> str:
    """What was seen in `batch`, and the two ways to say what a token is.

    >>> explain(3.5)
    "cannot tell how many tokens a batch holds (saw float). Give tokens=callable(batch) -> int, or tokens='samples' to count examples"
    """
    return (
        f"cannot tell how many tokens a batch holds (saw {describe(batch)}). "
        "Give tokens=callable(batch) -> int, or tokens='samples' to count examples"
    )


def count_tokens(batch: Any, tokens: TokenRule = None, mask: bool = False) -> int:
    """Tokens in one training batch, as an exact int.

    Args:
        batch: tensor (B, T) of ids, (x, y), dict with `input_ids`…, or these nested.
        tokens: None to read shapes, "samples" to count examples, or a callable that is handed the batch and returns an int.
        mask: count only what `attention_mask` (or labels other than -100) keeps. This reads values: on an accelerator it waits for the
            device, so training uses `Meter`, which reads them later.

    Raises:
        TokenCountError: shapes do not tell, or the callable returned something else than a count.

    >>> import numpy as np
    >>> ids = np.zeros((4, 128), dtype=np.int64)
    >>> count_tokens(ids), count_tokens((ids, ids)), count_tokens({"input_ids": ids, "labels": ids}), count_tokens(ids, "samples")
    (512, 512, 512, 4)
    """
    if mask and tokens is None:
        from lightning_scaling.accounting.masks import kept_tokens

        return int(kept_tokens(batch))
    return measure(batch, tokens)[0]


def sequence_length(batch: Any) -> int | None:
    """Length of the sequences in `batch`, None where there are none."""
    try:
        return measure(batch)[1]
    except TokenCountError:
        return None


def measure(batch: Any, tokens: TokenRule = None) -> tuple[int, int | None]:
    """Tokens of the batch and the length of its sequences (None where unknown)."""
    if tokens is None:
        found = _ids(batch)
        if found is None:
            raise TokenCountError(explain(batch))
        return found
    if callable(tokens):
        return _given(tokens, batch), sequence_length(batch)
    if tokens != "samples":
        raise TokenCountError(f"tokens must be a callable(batch) -> int or 'samples', got {tokens!r}")
    return _samples(batch), None


def _given(tokens: Callable[[Any], int], batch: Any) -> int:
    answer = tokens(batch)
    if not hasattr(answer, "detach"):  # a torch tensor would have to be read from its device in every step
        try:
            if (count := operator.index(answer)) >= 0:
                return count
        except TypeError:
            pass
    raise TokenCountError(f"tokens= must return a Python int of zero or more, got {describe(answer)}")


def _ids(batch: Any) -> tuple[int, int | None] | None:
    if is_tensor(batch):
        return _leaf(batch)
    parts = fields(batch)
    if isinstance(parts, list):
        return _ordered(parts)
    if (data := getattr(batch, "data", None)) is not None and hasattr(batch, "batch_sizes"):  # a PackedSequence: one row per token
        return int(data.shape[0]), None
    return None if parts is None else _named(parts)


def _leaf(tensor: Any) -> tuple[int, int | None] | None:
    if not is_integer(tensor):
        return None
    if getattr(tensor, "is_nested", False):
        return int(tensor.numel()), None
    shape = tuple(tensor.shape)
    return (int(shape[0] * shape[1]), int(shape[1])) if len(shape) == 2 else None


def _named(parts: Mapping[str, Any]) -> tuple[int, int | None] | None:
    for key in INPUT_KEYS:
        if key in parts and (found := _inputs(parts[key], key)):
            return found
    return _ordered(list(parts.values()))


def _inputs(value: Any, key: str) -> tuple[int, int | None] | None:
    # Under the name input_ids any shape is ids: packed (T,), several choices (B, K, T).
    if key == "input_ids" and is_tensor(value) and is_integer(value) and not getattr(value, "is_nested", False):
        return (math.prod(map(int, value.shape)), int(value.shape[-1])) if len(value.shape) else None
    return _ids(value)


def _ordered(parts: list[Any]) -> tuple[int, int | None] | None:
    if parts and is_tensor(parts[0]):
        return _leaf(parts[0])
    parts = [part for part in parts if is_tensor(part) or fields(part) is not None]
    if len(parts) < 2 or any(map(is_tensor, parts)):
        return _ids(parts[0]) if parts else None
    found = [_ids(part) for part in parts]  # several batches at once, as a combined loader hands them
    known = [each for each in found if each is not None]
    if len(known) < len(found):
        return None
    lengths = {length for _, length in known}
    return sum(count for count, _ in known), lengths.pop() if len(lengths) == 1 else None


def _samples(batch: Any) -> int:
    leaf = batch
    while not is_tensor(leaf):
        parts = fields(leaf)
        inner = list(parts.values()) if isinstance(parts, Mapping) else list(parts or [])
        inner = [part for part in inner if (is_tensor(part) and len(part.shape)) or (not is_tensor(part) and fields(part) is not None)]
        if not inner:
            raise TokenCountError(explain(batch))
        leaf = inner[0]
    if not len(leaf.shape):
        raise TokenCountError(explain(batch))
    return int(leaf.shape[0])
