"""Hyper-parameters that follow the size and length of a cell: a power law of each, published ones by name.

A value in a design is a number, or a table: `{at: .192, width: -1}` is .192 · width^-1, of anything the size holds and of N, D and C.
"""

import math
from collections.abc import Mapping
from typing import Any

# Peak learning rate and tokens of a batch. S: stated in the paper. Both were fitted to AdamW with a cosine or a staircase decay.
PUBLISHED: dict[str, dict[str, dict[str, float]]] = {
    # Li et al. 2025, arXiv 2503.04715 (Step Law), eq. 1: N without embeddings, D in tokens, batch in tokens. S
    "step2025": {"lr": {"at": 1.79, "N": -0.713, "D": 0.307}, "batch_tokens": {"at": 0.58, "D": 0.571}},
    # DeepSeek LLM 2024, arXiv 2401.02954, eq. 1: C in FLOPs, batch in tokens. S
    "deepseek2024": {"lr": {"at": 0.3118, "C": -0.125}, "batch_tokens": {"at": 0.2920, "C": 0.3271}},
}
OF_LENGTH = ("D", "C")


def value_of(rule: Any, known: Mapping[str, Any]) -> Any:
    """A plain value as it is; a power law at what is known.

    Raises:
        ValueError: it names something that the cell does not hold.

    >>> value_of({"at": 0.192, "width": -1}, {"width": 64})
    0.003
    """
    if not isinstance(rule, Mapping):
        return rule
    logs = math.log(rule["at"])
    for name, power in rule.items():
        if name == "at":
            continue
        if not isinstance(known.get(name), int | float):
            raise ValueError(
                f"{name!r} is nothing a cell holds; there are {', '.join(n for n, v in known.items() if isinstance(v, int | float))}"
            )
        logs += power * math.log(known[name])
    return float(f"{math.exp(logs):.12g}")


def depends_on_length(rule: Any) -> bool:
    """Whether a longer run of one size would have another value."""
    return isinstance(rule, Mapping) and any(name in OF_LENGTH for name in rule)
