"""Which weights of a language model are its embeddings and which its head: the difference between two conventions of N.

Counting a vocabulary's tables or not moves fitted exponents from .4 to .7 (Pearce & Song 2024), so the groups are found by structure and
by name, and can be declared where a model is built unusually.
"""

import re
from collections.abc import Sequence
from typing import Any

from lightning_scaling.accounting.weights import Weight

POSITION = re.compile(r"(^|[._])(pos|wpe|position|positional)([._]?(emb\w*|enc\w*|table|ids?))?([._]weight)?$", re.IGNORECASE)
TABLE_CLASSES = ("Embedding", "EmbeddingBag")
HEAD_NAMES = re.compile(
    r"(^|\.)(lm_head|head|output|out|unembed\w*|embed_out|to_logits|output_projection|decoder|generator|proj_out)\.weight$"
)
PADDED = 1.1  # vocabularies are padded to a multiple of 64 or 128 in one of the two tables


def is_table(weight: Weight) -> bool:
    """Whether its holder looks rows up: nn.Embedding, one derived from it, or one that looks like it."""
    kind = type(weight.holder)
    named = any(base.__name__ in TABLE_CLASSES for base in kind.__mro__)
    return named or (hasattr(weight.holder, "num_embeddings") and hasattr(weight.holder, "embedding_dim"))


def is_position(weight: Weight) -> bool:
    """Whether it is a trained table of positions, as a module or as a bare parameter."""
    return bool(POSITION.search(weight.name.removesuffix(".weight")))


def embedding_keys(held: Sequence[Weight], declared: Sequence[str] = ()) -> set[int]:
    """Keys of the embeddings: tables, positions, and what was declared by the start of its name."""
    return {w.key for w in held if is_table(w) or is_position(w) or starts(w.name, declared)}


def vocabulary(held: Sequence[Weight]) -> Weight | None:
    """The table of the vocabulary: the first table that is not one of positions."""
    return next((w for w in held if is_table(w) and not is_position(w) and len(w.shape) == 2), None)


def head_keys(held: Sequence[Weight], declared: Sequence[str] = ()) -> set[int]:
    """Keys of the output head: declared, or the layer that maps onto the vocabulary. With its bias; tied or not."""
    if declared:
        return {w.key for w in held if starts(w.name, declared)}
    layer = head_layer(held)
    return set() if layer is None else {w.key for w in held if w.holder is layer}


def head_layer(held: Sequence[Weight]) -> Any | None:
    """The module that maps onto the vocabulary; None where there is none, or where the table itself is used (tied in the forward)."""
    table = vocabulary(held)
    if table is None:
        return None
    shared = [w for w in held if w.key == table.key and w.holder is not table.holder]
    if shared:
        return shared[0].holder
    matrices = [w for w in held if len(w.shape) == 2 and not is_table(w) and not is_position(w)]
    named = [w for w in matrices if HEAD_NAMES.search(w.name) and _rows_fit(w, table)]
    # A feed-forward layer can be as wide as a small vocabulary, so by shape alone only the last matrix of the model will do.
    last = [w for w in matrices[-1:] if _rows_fit(w, table)]
    return next((w.holder for w in named + last), None)


def _rows_fit(weight: Weight, table: Weight) -> bool:
    rows, words = max(weight.shape), table.shape[0]
    return weight.shape[0] == words or (words <= rows <= PADDED * words and weight.shape[0] == rows and weight.shape[1] == table.shape[1])


def starts(name: str, declared: Sequence[str]) -> bool:
    """Whether a weight's name is one of `declared` or lies under it."""
    return any(name == each or name.startswith(f"{each}.") for each in ((declared,) if isinstance(declared, str) else declared))
