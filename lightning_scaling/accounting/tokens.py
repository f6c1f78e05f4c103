"""How many tokens, or examples, a training batch holds, read from shapes on the host: no value of any tensor is touched."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from lightning_scaling.accounting.batches import describe, fetches, fields, graph_counts, is_integer, is_tensor, shape_of
from lightning_scaling.accounting.ids import find_ids, joined
from lightning_scaling.accounting.loaders import Tree, loader_tree, split

T = TypeVar("T")
TokenRule = Callable[[Any], int] | str | int | None


class TokenCountError(ValueError):
    """The tokens of a batch cannot be known from it; the message states what was seen and which argument to give."""


def explain(batch: Any) -> str:
    """What was seen in `batch`, and the arguments that define what a token is.

    >>> explain(3.5)
    "the number of tokens in a batch is not known (saw float). Give tokens=callable(batch) -> int, or tokens='samples' to count examples"
    """
    if fetches(batch):
        return (
            "the number of tokens in a batch is not known: the training step fetches its batches itself (dataloader_iter). "
            "Give tokens=<int>, the tokens of one batch, or tokens=callable(batch) -> int that does not need the batch"
        )
    if graph_counts(batch) is not None:
        return (
            f"the number of tokens in a batch is not known (saw {describe(batch)}). "
            "Give tokens='samples' to count graphs, or tokens=callable(batch) -> int, e.g. lambda batch: batch.num_nodes"
        )
    return (
        f"the number of tokens in a batch is not known (saw {describe(batch)}). "
        "Give tokens=callable(batch) -> int, or tokens='samples' to count examples"
    )


def count_tokens(batch: Any, tokens: TokenRule = None, mask: bool = False, loaders: Any = None) -> int:
    """Tokens in one training batch, as an exact int.

    Args:
        batch: tensor (B, T) of ids, (x, y), dict with `input_ids`…, a preference pair, or these nested.
        tokens: None to read shapes, "samples" to count examples, an int for as many in every batch, or a callable that is handed the
            batch and returns an int.
        mask: count only what `attention_mask` (or labels other than -100) keeps. This reads values: on an accelerator it waits for the
            device, so training uses `Meter`, which reads them later.
        loaders: what the batches come from, where they are several loaders at once (dicts, lists, a CombinedLoader): all are counted.

    Raises:
        TokenCountError: shapes are not enough, or the callable returned something else than a count.

    >>> import numpy as np
    >>> ids = np.zeros((4, 128), dtype=np.int64)
    >>> count_tokens(ids), count_tokens((ids, ids)), count_tokens({"input_ids": ids, "labels": ids}), count_tokens(ids, "samples")
    (512, 512, 512, 4)
    >>> count_tokens([ids, ids], loaders=[range(9), range(9)]), count_tokens(None, 512)
    (1024, 512)
    """
    if mask and tokens is None:
        from lightning_scaling.accounting.masks import kept_tokens

        return int(kept_tokens(batch, loader_tree(loaders)))
    return measure(batch, tokens, loader_tree(loaders))[0]


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


def sequence_length(batch: Any, tree: Tree = None) -> int | None:
    """Length of the sequences in `batch`, None where there are none."""
    try:
        found = [find_ids(part) for part in split(batch, tree)]
    except Exception:  # whatever a class of the user's own does when it is looked at
        return None
    return joined(each for each in found if each)[1] if all(found) else None


def measure(batch: Any, tokens: TokenRule = None, tree: Tree = None, lengths: bool = True) -> tuple[int, int | None]:
    """Tokens of the batch and the length of its sequences (None where unknown, or where `lengths` are not needed)."""
    if callable(tokens):
        return _count(tokens(batch)), sequence_length(batch, tree) if lengths else None
    if tokens is None:
        return joined(_known(find_ids(part), part) for part in split(batch, tree))
    if tokens == "samples":
        return sum(_known(count_samples(part), part) for part in split(batch, tree)), None
    if isinstance(tokens, str | bool | float):
        raise TokenCountError(f"tokens must be a callable(batch) -> int, 'samples' or the tokens of a batch as an int, got {tokens!r}")
    return _count(tokens), sequence_length(batch, tree) if lengths else None


def _known(found: T | None, part: Any) -> T:
    if found is None:
        raise TokenCountError(explain(part))
    return found


def _count(answer: Any) -> int:
    if not hasattr(answer, "detach"):  # a torch tensor would have to be read from its device in every step
        try:
            if (count := operator.index(answer)) >= 0:
                return count
        except TypeError:
            pass
    raise TokenCountError(f"tokens= must be or return a Python int of zero or more, got {describe(answer)}")
