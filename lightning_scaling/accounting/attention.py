"""Where a model attends and how wide: what the products of queries, keys and values cost beside its weights.

A layer whose heads are together `width` wide multiplies, per token over T others, 2·T·width for the scores and as much for the values;
backward costs twice that: 12·T·width (Chowdhery et al. 2022, appendix B). Counted in full, without the half that a causal mask leaves out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lightning_scaling.accounting.copies import own_weights
from lightning_scaling.accounting.weights import Weight, clean

NAMED = re.compile(r"attention|attn", re.IGNORECASE)
HEADS = ("num_heads", "n_heads", "n_head", "num_attention_heads", "heads", "nhead")
HEAD_SIZES = ("head_dim", "head_size", "dim_head", "attention_head_size", "d_head")
WIDTHS = ("all_head_size", "embed_dim", "n_embd", "d_model", "hidden_size", "width", "dim")


@dataclass(frozen=True)
class Attention:
    """One attention layer: width of its heads together, the longest distance within its reach (None: all), whether gradients reach it."""

    width: int
    window: int | None = None
    backward: bool = True

    def forward_flops(self, length: int) -> int:
        """Per token in a sequence of `length`."""
        return 4 * self.width * (length if self.window is None else min(length, self.window))


Window = int | Sequence[int | None] | None


def declared(layers: int, width: int, window: Window = None) -> list[Attention]:
    """`layers` of one width."""
    return [Attention(width, back) for back in _windows(window, layers)]


def _windows(window: Window, layers: int) -> list[int | None]:
    """The window of each layer: one for all, or as given."""
    windows = [window] * layers if window is None or isinstance(window, int) else list(window)
    if len(windows) != layers or any(back is not None and back < 1 for back in windows):
        raise ValueError(f"window must be a number of tokens, or one per attention layer ({layers}; None: all), got {window!r}")
    return windows


def find(module: Any, window: Window = None) -> list[Attention] | None:
    """The attention layers of a model, by the names and attributes of its modules; None where one is not understood, [] without any."""
    held = own_weights(module)
    found = [(_width(layer), _reached(held, name)) for name, layer in _layers(module, held)]
    if any(width is None for width, _ in found) or _two_sided(module):
        return None
    windows = _windows(window, len(found)) if found else []
    return [Attention(width or 0, back, reached) for (width, reached), back in zip(found, windows, strict=True)]


def _layers(module: Any, held: Sequence[Weight]) -> list[tuple[str, Any]]:
    """Innermost modules called attention that hold two matrices or more, of their own or in layers beneath."""
    named = [(clean(name), layer) for name, layer in module.named_modules() if NAMED.search(type(layer).__name__) and layer is not module]
    named = [(name, layer) for name, layer in named if sum(len(w.shape) == 2 for w in under(held, name)) >= 2]
    return [(name, layer) for name, layer in named if not any(other.startswith(f"{name}.") for other, _ in named)]


def _two_sided(module: Any) -> bool:
    """Whether its configuration declares an encoder and a decoder: two lengths and attention across, which this rule does not cover."""
    return any(getattr(getattr(layer, "config", None), "is_encoder_decoder", False) for layer in module.modules())


def _width(layer: Any) -> int | None:
    heads, size = _first(layer, HEADS), _first(layer, HEAD_SIZES)
    if heads and (keys := _first(layer, ("qk_head_dim",))) and (values := _first(layer, ("v_head_dim",))):
        return heads * (keys + values) // 2  # DeepSeek's latent attention: scores and sums of different widths
    if heads and size:
        return heads * size
    if width := _first(layer, WIDTHS):
        return width
    inputs = [m.in_features for m in layer.modules() if isinstance(getattr(m, "in_features", None), int)]
    # The projection out comes last and takes all heads in; low-rank adapters beside it take far less.
    return next((size for size in reversed(inputs) if 2 * size >= max(inputs)), None)


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
