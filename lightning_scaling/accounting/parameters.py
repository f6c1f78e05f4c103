"""How many parameters a model has, by groups from which the convention of N is chosen later.

Kaplan et al. 2020 count without the tables of words and positions, Hoffmann et al. 2022 with them; each run keeps all groups, so that
either can be had from it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lightning_scaling.accounting.roles import embedding_keys, head_keys
from lightning_scaling.accounting.weights import weights

GROUPS = ("embedding", "head", "other")


def count_parameters(module: Any, embedding: Sequence[str] = (), head: Sequence[str] = ()) -> dict[str, int]:
    """Parameters of a torch module by group: embedding, head, other, and frozen_embedding, frozen_head, frozen_other; they sum to all.

    A tied weight counts once, as embedding. Sharded, packed and meta parameters count in full.

    Args:
        module: any torch module, a LightningModule included.
        embedding: names of modules or parameters that are embeddings beyond those found.
        head: names of the output head, where it is not found by itself.

    Raises:
        ValueError: a lazy module before its first batch.
    """
    held = list(weights(module))
    tables, heads = embedding_keys(held, embedding), head_keys(held, head)
    groups = {f"{state}{group}": 0 for state in ("", "frozen_") for group in GROUPS}
    for weight in {w.key: w for w in reversed(held)}.values():
        group = "embedding" if weight.key in tables else "head" if weight.key in heads else "other"
        groups[group if weight.trainable else f"frozen_{group}"] += weight.size
    return groups


def choose(groups: Mapping[str, int], convention: str | int) -> int:
    """N by a convention: "total", "non_embedding" (neither embeddings nor head, as in Kaplan et al. 2020), or a number given.

    Raises:
        ValueError: an unknown convention, or nothing left to count.

    >>> choose({"embedding": 50, "head": 50, "other": 200, "frozen_other": 100}, "non_embedding")
    300
    """
    if isinstance(convention, int) and not isinstance(convention, bool):
        count = convention
    elif convention == "total":
        count = sum(groups.values())
    elif convention == "non_embedding":
        count = groups.get("other", 0) + groups.get("frozen_other", 0)
    else:
        raise ValueError(f"params must be 'total', 'non_embedding' or a positive int, got {convention!r}")
    if count <= 0:
        raise ValueError(f"params={convention!r} counts {count} parameters, it must be positive (groups: {dict(groups)})")
    return count


def convention_name(convention: str | int) -> str:
    """What a run stores of its convention: "total", "non_embedding", or "given" for a number.

    >>> convention_name(7_000_000_000)
    'given'
    """
    return convention if isinstance(convention, str) else "given"
