"""How much of the forward pass activation checkpointing does a second time: hardware FLOPs, which are no model FLOPs.

Measured on GPTs with every block checkpointed: 1.23 to 1.26 times the model FLOPs, a third of all but the head.
"""

import inspect
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lightning_scaling.accounting.copies import own_weights
from lightning_scaling.accounting.measured import measure_step
from lightning_scaling.accounting.roles import is_table, starts
from lightning_scaling.accounting.weights import clean

WRAPPER = "CheckpointWrapper"  # torch.distributed's, which FSDP and Lightning's activation_checkpointing_policy put around layers
LAYER = "GradientCheckpointingLayer"  # transformers'
FLAGS = ("gradient_checkpointing", "grad_checkpointing")  # transformers, timm: set on a layer, or on what holds the list of layers
CALLS = {"checkpoint", "checkpoint_sequential"}  # of torch.utils.checkpoint
LIBRARIES = ("torch.", "lightning.", "lightning_fabric.", "pytorch_lightning.")


def recomputed_share(module: Any, batch: Any = None) -> Fraction:
    """The share of the forward pass that is done again; 0 where there is none.

    Wrapped and flagged layers are recognised by their weights. Where the model's own code calls torch.utils.checkpoint, perhaps, a step on
    `batch` is measured; one that cannot be measured counts as 0.
    """
    if module is None:
        return Fraction(0)
    wrapped = list(_wrapped(module))
    if not wrapped:
        return _measured_share(module, batch) if batch is not None and _may_call(module) else Fraction(0)
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


def _may_call(module: Any) -> bool:
    return any(CALLS & set(code.co_names) for kind in {type(layer) for layer in module.modules()} for code in _own_code(kind))


def _own_code(kind: type) -> Iterator[Any]:
    """The compiled functions of a class of the user's."""
    for base in kind.__mro__:
        if not f"{base.__module__}.".startswith((*LIBRARIES, "builtins.")):
            yield from (inspect.unwrap(f).__code__ for f in vars(base).values() if inspect.isfunction(f))


def _measured_share(module: Any, batch: Any) -> Fraction:
    step = measure_step(module, batch)
    return min(Fraction(3 * (step.hardware - step.model), step.model), Fraction(1)) if step.model else Fraction(0)
