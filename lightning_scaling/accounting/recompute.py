"""How much of the forward pass activation checkpointing does a second time: hardware FLOPs, which are no model FLOPs.

Measured on GPTs with every block checkpointed: 1.23 to 1.26 times the model FLOPs, a third of all but the head.
"""

from fractions import Fraction
from typing import Any

from lightning_scaling.accounting.roles import is_table, starts
from lightning_scaling.accounting.weights import clean, weights

WRAPPER = "CheckpointWrapper"  # torch.distributed's, which FSDP and Lightning's activation_checkpointing_policy put around layers


def recomputed_share(module: Any) -> Fraction:
    """The share of the weights' forward work that lies inside wrapped layers; 0 where none is wrapped.

    Calls of torch.utils.checkpoint inside a forward cannot be seen from outside: declare their share.
    """
    if module is None:
        return Fraction(0)
    wrapped = [clean(name) for name, layer in module.named_modules() if type(layer).__name__ == WRAPPER]
    if not wrapped:
        return Fraction(0)
    matrices = [w for w in weights(module) if len(w.shape) >= 2 and not is_table(w)]
    return Fraction(sum(w.size for w in matrices if starts(w.name, wrapped)), sum(w.size for w in matrices) or 1)
