"""Each weight of a model with its full size, whoever holds it, however it is sharded, packed or tied.

A shard's own numel is not N. DTensors (FSDP2, tensor parallel) answer for the whole; FSDP1, DeepSpeed's ZeRO-3 and quantised layers keep
the whole size beside the data.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

WRAPPERS = re.compile(r"(^|\.)(_fsdp_wrapped_module|_orig_mod|_checkpoint_wrapped_module)(?=\.|$)")
PACKED_BUFFERS = ("qweight", "weight", "weight_packed")


@dataclass(frozen=True, eq=False)  # found in lists by identity
class Weight:
    """One parameter as one module holds it; a tied weight appears once per holder, under the same `key`.

    Args:
        key: identity of the weight.
        name: full name as the user wrote it, e.g. "blocks.0.attn.qkv.weight".
        holder: the module it belongs to.
        shape: its full shape.
        trainable: whether it takes gradients.
    """

    key: int
    name: str
    holder: Any
    shape: tuple[int, ...]
    trainable: bool

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


def weights(module: Any) -> Iterator[Weight]:
    """All weights of a torch module in the order in which they were registered, once per holder.

    Raises:
        ValueError: a lazy module that has not seen its first batch, and so has no shapes.
    """
    flat = _flattened(module)
    for prefix, holder in module.named_modules():
        start = f"{clean(prefix)}." if clean(prefix) else ""
        yield from (Weight(key, start + name, holder, shape, grad) for name, (key, shape, grad) in flat.get(id(holder), {}).items())
        for name, parameter in holder._parameters.items():
            if parameter is not None and not hasattr(parameter, "_fqns") and name not in flat.get(id(holder), {}):
                shape = full_shape(parameter, start + name)
                shape = (_packed(holder) if name == "weight" else None) or shape
                yield Weight(id(parameter), start + name, holder, shape, bool(parameter.requires_grad))
        if holder._parameters.get("weight") is None and (hidden := _packed(holder)) and not flat.get(id(holder)):
            yield Weight(id(holder), f"{start}weight", holder, hidden, False)


def clean(name: str) -> str:
    """A module's name without the wrappers that strategies and compilers put around it.

    >>> clean("blocks.0._fsdp_wrapped_module._orig_mod.attn")
    'blocks.0.attn'
    """
    return WRAPPERS.sub("", name).lstrip(".")


def full_shape(parameter: Any, name: str = "a parameter") -> tuple[int, ...]:
    """The shape over all ranks."""
    if type(parameter).__name__ in ("UninitializedParameter", "UninitializedBuffer"):
        raise ValueError(f"{name} has no shape before the first batch (a lazy module): count after it, or give params=<int>")
    if (partitioned := getattr(parameter, "ds_shape", None)) is not None:  # DeepSpeed ZeRO-3
        return tuple(int(n) for n in partitioned)
    quantised = getattr(parameter, "quant_state", None)  # bitsandbytes, 4 bits
    return tuple(int(n) for n in getattr(quantised, "shape", parameter.shape))


def _packed(holder: Any) -> tuple[int, int] | None:
    """The shape of a linear layer whose weight is packed or hidden, so that its own numel is another."""
    rows, columns = getattr(holder, "out_features", None), getattr(holder, "in_features", None)
    if not (isinstance(rows, int) and isinstance(columns, int)) or next(holder.children(), None) is not None:
        return None
    weight = holder._parameters.get("weight")
    if weight is None:
        hidden = callable(getattr(holder, "weight", None)) or any(name in holder._buffers for name in PACKED_BUFFERS)
    else:
        hidden = 0 < weight.numel() < rows * columns and not weight.is_floating_point()
    return (rows, columns) if hidden else None


Flattened = dict[int, dict[str, tuple[int, tuple[int, ...], bool]]]


def _flattened(module: Any) -> Flattened:
    """What FSDP1 laid end to end into flat parameters: by holder, each weight's key, full shape and whether it is trained."""
    found: Flattened = {}
    for wrapper in module.modules():
        flat = getattr(getattr(wrapper, "_handle", None), "flat_param", None)
        if flat is None or not hasattr(flat, "_param_infos"):
            continue
        for info, shape in zip(flat._param_infos, flat._shapes, strict=True):
            original = info.module._parameters.get(info.param_name)
            trained = flat.requires_grad if original is None else original.requires_grad
            entry = (hash((id(flat), id(info.module), info.param_name)), tuple(int(n) for n in shape), bool(trained))
            found.setdefault(id(info.module), {})[info.param_name] = entry
        for tied in flat._shared_param_infos:
            found.setdefault(id(tied.module), {})[tied.param_name] = found[id(tied.prim_module)][tied.prim_param_name]
    return found
