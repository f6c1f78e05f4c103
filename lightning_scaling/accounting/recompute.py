"""How much of the forward pass activation checkpointing does a second time: hardware FLOPs, which are no model FLOPs.

Measured on GPTs with every block checkpointed: 1.23 to 1.26 times the model FLOPs, a third of all but the head.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lightning_scaling.accounting.copies import own_weights
from lightning_scaling.accounting.roles import is_table, starts
from lightning_scaling.accounting.weights import clean

WRAPPER = "CheckpointWrapper"  # torch.distributed's, which FSDP and Lightning's activation_checkpointing_policy put around layers
LAYER = "GradientCheckpointingLayer"  # transformers'
FLAGS = ("gradient_checkpointing", "grad_checkpointing")  # transformers, timm: set on a layer, or on what holds the list of layers


def recomputed_share(module: Any) -> Fraction:
    """The share of the weights' forward work that lies inside wrapped or flagged layers; 0 where there are none.

    Calls of torch.utils.checkpoint inside a forward cannot be seen from outside: declare their share.
    """
    if module is None:
        return Fraction(0)
    wrapped = list(_wrapped(module))
    if not wrapped:
        return Fraction(0)
    matrices = [w for w in own_weights(module) if len(w.shape) >= 2 and not is_table(w)]
    return Fraction(sum(w.size for w in matrices if starts(w.name, wrapped)), sum(w.size for w in matrices) or 1)


def _wrapped(module: Any) -> Iterator[str]:
    for raw, layer in module.named_modules():
        name, bases = clean(raw), [base.__name__ for base in type(layer).__mro__]
        flagged = any(getattr(layer, flag, None) is True for flag in FLAGS)
        if WRAPPER in bases or (flagged and LAYER in bases):
            yield name
        elif flagged:
            lists = [child for child, inner in layer.named_children() if type(inner).__name__ in ("ModuleList", "Sequential")]
            yield from (f"{name}.{child}".lstrip(".") for child in lists)
