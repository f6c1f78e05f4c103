"""How many parameters a model has, by groups from which the convention of N is chosen later.

Kaplan et al. 2020 count without the tables of words and positions, Hoffmann et al. 2022 with them; each run keeps all groups, so that
either can be had from it.
"""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from lightning_scaling.accounting.copies import without_copies
from lightning_scaling.accounting.experts import find_experts
from lightning_scaling.accounting.roles import embedding_keys, head_keys
from lightning_scaling.accounting.weights import Weight, weights

GROUPS = ("embedding", "head", "other", "adapter", "inactive_experts")
NOT_COUNTED = ("copies",)
CONVENTIONS = ("total", "non_embedding", "active", "trainable")
ADAPTERS = re.compile(r"(^|[._])(lora|adapters?|ia3|prefix|prompt_(encoder|embeddings?)|oft|vera|dora|hada|lokr)([._]|$)", re.IGNORECASE)


def count_parameters(module: Any, embedding: Sequence[str] = (), head: Sequence[str] = ()) -> dict[str, int]:
    """Parameters of a torch module by group, each also as frozen_…; with `copies` they sum to all.

    Groups: embedding, head, adapter (LoRA and its kind beside frozen weights), inactive_experts (of a mixture, those that a token does
    not meet), other; and copies (averaged weights, a teacher), which no convention counts. A tied weight counts once, as embedding.
    Sharded, packed and meta parameters count in full.

    Args:
        module: any torch module, a LightningModule included.
        embedding: names of modules or parameters that are embeddings beyond those found.
        head: names of the output head, where it is not found by itself.

    Raises:
        ValueError: a lazy module before its first batch.
    """
    everything = list(weights(module))
    held = without_copies(module, everything)
    tables, heads, experts = embedding_keys(held, embedding), head_keys(held, head), find_experts(module, held)
    frozen = any(not w.trainable for w in held)
    groups = {f"{state}{group}": Fraction(0) for state in ("", "frozen_") for group in GROUPS}
    own = {w.key: w for w in reversed(held)}
    for weight in own.values():
        state = "" if weight.trainable else "frozen_"
        group = "embedding" if weight.key in tables else "head" if weight.key in heads else _body(weight, frozen)
        groups[state + group] += experts.met(weight)
        groups[f"{state}inactive_experts"] += weight.size - experts.met(weight)
    copied = sum(w.size for w in {w.key: w for w in everything if w.key not in own}.values())
    return {group: int(size) for group, size in groups.items()} | {"copies": copied}


def _body(weight: Weight, frozen: bool) -> str:
    return "adapter" if frozen and weight.trainable and ADAPTERS.search(weight.name) else "other"


def choose(groups: Mapping[str, int], convention: str | int) -> int:
    """N by a convention, or a number given.

    "total"; "non_embedding": neither embeddings nor head, as in Kaplan et al. 2020; "active": without experts that a token does not
    meet; "trainable": without frozen weights.

    Raises:
        ValueError: an unknown convention, or nothing left to count.

    >>> choose({"embedding": 50, "head": 50, "other": 200, "frozen_other": 100}, "non_embedding")
    300
    """
    if isinstance(convention, int) and not isinstance(convention, bool):
        count = convention
    elif convention in CONVENTIONS:
        count = sum(size for group, size in groups.items() if _counts(group, convention))
    else:
        raise ValueError(f"params must be one of {', '.join(map(repr, CONVENTIONS))} or a positive int, got {convention!r}")
    if count <= 0:
        raise ValueError(f"params={convention!r} counts {count} parameters, it must be positive (groups: {dict(groups)})")
    return count


def _counts(group: str, convention: str | int) -> bool:
    kind = group.removeprefix("frozen_")
    if group in NOT_COUNTED or (convention == "non_embedding" and kind in ("embedding", "head")):
        return False
    return not (convention == "active" and kind == "inactive_experts") and not (convention == "trainable" and group != kind)


def convention_name(convention: str | int) -> str:
    """What a run stores of its convention: "total", "non_embedding", …, or "given" for a number.

    >>> convention_name(7_000_000_000)
    'given'
    """
    return convention if isinstance(convention, str) else "given"


def model_signature(module: Any) -> tuple[int, int, int, int]:
    """A cheap fingerprint: weights, their values, trained values, and which weights are trained. Another one: count again.

    It changes when a lazy module gets its shapes, a part is replaced or added, a weight is frozen or unfrozen. Nothing is read from a
    device; it is that of this process, so that ranks that shard a model compare their own.
    """
    held = [(_values(p), bool(p.requires_grad)) for p in module.parameters()]
    trained = sum(size for size, grad in held if grad)
    return len(held), sum(size for size, _ in held), trained, hash(tuple(grad for _, grad in held))


def _values(parameter: Any) -> int:
    try:
        return int(parameter.numel())
    except (RuntimeError, ValueError):  # a lazy weight before its first batch
        return 0
