"""Where a model attends and how wide: what the products of queries, keys and values cost beside its weights.

A layer whose heads are together `width` wide multiplies, per token over T others, 2·T·width for the scores and as much for the values;
backward costs twice that: 12·T·width (Chowdhery et al. 2022, appendix B). Counted in full, without the half that a causal mask leaves out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lightning_scaling.accounting.weights import Weight, clean, weights

NAMED = re.compile(r"attention|attn", re.IGNORECASE)
HEADS = ("num_heads", "n_heads", "n_head", "num_attention_heads", "heads", "nhead")
HEAD_SIZES = ("head_dim", "head_size", "dim_head", "attention_head_size", "d_head")
WIDTHS = ("all_head_size", "embed_dim", "n_embd", "d_model", "hidden_size", "width", "dim")


@dataclass(frozen=True)
class Attention:
    """One attention layer: width of its heads together, the longest distance it looks back (None: all), whether gradients reach it."""

    width: int
    window: int | None = None
    backward: bool = True

    def forward_flops(self, length: int) -> int:
        """Per token in a sequence of `length`."""
        return 4 * self.width * (length if self.window is None else min(length, self.window))


def declared(layers: int, width: int, window: int | None) -> list[Attention]:
    """`layers` alike."""
    return [Attention(width, window)] * layers


def find(module: Any, window: int | None = None) -> list[Attention] | None:
    """The attention layers of a model, by the names and attributes of its modules; None where one is not understood, [] without any."""
    held = list(weights(module))
    found = [(_width(layer), _reached(held, name)) for name, layer in _layers(module, held)]
    if any(width is None for width, _ in found):
        return None
    return [Attention(width, window, reached) for width, reached in found if width is not None]


def _layers(module: Any, held: Sequence[Weight]) -> list[tuple[str, Any]]:
    """Innermost modules called attention that hold two matrices or more, of their own or in layers beneath."""
    named = [(clean(name), layer) for name, layer in module.named_modules() if NAMED.search(type(layer).__name__) and layer is not module]
    named = [(name, layer) for name, layer in named if sum(len(w.shape) == 2 for w in under(held, name)) >= 2]
    return [(name, layer) for name, layer in named if not any(other.startswith(f"{name}.") for other, _ in named)]


def _width(layer: Any) -> int | None:
    heads, size = _first(layer, HEADS), _first(layer, HEAD_SIZES)
    if heads and size:
        return heads * size
    if width := _first(layer, WIDTHS):
        return width
    linear = [m for m in layer.modules() if isinstance(getattr(m, "in_features", None), int)]
    return int(linear[-1].in_features) if linear else None  # the projection out takes all heads in


def _first(layer: Any, names: Sequence[str]) -> int | None:
    values = (getattr(layer, name, None) for name in names)
    return next((v for v in values if isinstance(v, int) and not isinstance(v, bool) and v > 0), None)


def under(held: Sequence[Weight], name: str) -> list[Weight]:
    """The weights of a module and of all beneath it."""
    return [w for w in held if w.name.startswith(f"{name}.")]


def _reached(held: Sequence[Weight], name: str) -> bool:
    """Whether anything before or within the layer is trained, so that gradients flow through its products."""
    inside = under(held, name)
    before = held[: held.index(inside[0])]
    return any(w.trainable for w in [*before, *inside])
