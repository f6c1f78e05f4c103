"""Mixtures of experts: which weights are routed to, and what share of them one token meets.

Experts are a list of modules of equal shapes, or weights stacked along a first axis of as many experts. The router's top-k is an attribute
of the layer, of its router, or of the model's configuration, under the names in use (Mixtral, Qwen, DeepSeek, DBRX, gpt-oss, …).
Shared experts run for every token and are ordinary weights.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from lightning_scaling.accounting.weights import Weight, clean

ROUTED = re.compile(r"expert", re.IGNORECASE)
NOT_ROUTED = re.compile(r"shared|rout|gat(e|ing)$", re.IGNORECASE)
ROUTER = re.compile(r"rout|^(\w+_)?gat(e|ing)$", re.IGNORECASE)
MIXTURE = re.compile(r"moe|mixtureofexperts|mixture_of_experts|sparsemlp|expert", re.IGNORECASE)
COUNTS = ("num_experts", "num_local_experts", "n_routed_experts", "n_experts", "moe_num_experts", "num_routed_experts", "nb_experts")
# Unambiguous names, also read from a configuration; there a bare top_k may belong to the sampling of text, unless the number of experts
# is beside it in a configuration that is not of transformers.
TOP_K = (
    "num_experts_per_tok",
    "num_experts_per_token",
    "num_selected_experts",
    "num_activated_experts",
    "n_activated_experts",
    "experts_per_token",
    "experts_per_tok",
    "moe_topk",
    "moe_top_k",
    "moe_k",
    "moe_router_topk",
    "router_top_k",
    "top_k_experts",
)
BARE_TOP_K = ("top_k", "topk", "k")
# Whatever a layer with experts, or its router, calls it.
ACTIVE = re.compile(
    r"^((num|n)_)?(experts?_)?(selected|activated?|used|chosen|routed_to)(_experts?)?$|experts?_per_tok(en)?|^top_?k|_top_?k$"
)
CONFIGS = ("config", "hparams", "args", "cfg")


@dataclass(frozen=True)
class Experts:
    """What was found.

    Args:
        shares: by weight key, the share of it that one token meets.
        layers, experts, top_k: layers with experts, experts of the first one, and how many of them a token meets.
        unknown: whether there are experts whose top-k is not known; they count in full.
    """

    shares: Mapping[int, Fraction] = field(default_factory=dict)
    layers: int = 0
    experts: int = 0
    top_k: int = 0
    unknown: bool = False

    def met(self, weight: Weight) -> Fraction:
        """Values of a weight that one token meets."""
        return weight.size * self.shares.get(weight.key, Fraction(1))

    def __str__(self) -> str:
        return f"{self.top_k} of {self.experts} experts in {self.layers} layers"


def find_experts(module: Any, held: Sequence[Weight]) -> Experts:
    """The experts of a model; empty for a dense one."""
    shares: dict[int, Fraction] = {}
    found: list[tuple[int, int]] = []
    modules = {clean(name): layer for name, layer in module.named_modules()}
    mixed = any(MIXTURE.search(type(layer).__name__) for layer in modules.values())
    taken: list[str] = []
    layers_with: set[str] = set()
    for name, layer in modules.items():
        if any(name.startswith(f"{each}.") for each in taken) or not (group := _group(name, layer, modules, held)):
            continue
        taken.append(name)
        layers_with.add(name.rpartition(".")[0])
        experts, routed = group
        found.append((experts, top_k := _top_k(name, modules, experts)))
        shares |= {w.key: Fraction(top_k, experts) for w in routed if top_k}
    if not found:
        return Experts(unknown=mixed)
    return Experts(shares, len(layers_with), found[0][0], found[0][1], any(not top_k for _, top_k in found))


def _group(name: str, layer: Any, modules: Mapping[str, Any], held: Sequence[Weight]) -> tuple[int, list[Weight]] | None:
    """How many experts `layer` holds and their weights; None where it holds none."""
    own, kind = name.rpartition(".")[2], type(layer).__name__
    parent = modules.get(name.rpartition(".")[0]) if name else None
    routed = bool(ROUTED.search(own) or ROUTED.search(kind)) and not (NOT_ROUTED.search(own) or NOT_ROUTED.search(kind))
    children = [child for child in layer.children() if next(child.parameters(), None) is not None]
    if kind in ("ModuleList", "ModuleDict") or (routed and len(children) == len(layer._modules) > 1):
        listed = routed or (parent is not None and _routes(parent) and not NOT_ROUTED.search(own))
        alike = len({tuple(tuple(p.shape) for p in child.parameters()) for child in children}) == 1
        if listed and len(children) > 1 and alike:
            return len(children), [w for w in held if w.name.startswith(f"{name}.")]
        return None
    counted = not NOT_ROUTED.search(own) and (_first(layer, COUNTS, 0) > 1 or _routes(layer))
    stacked = [w for w in held if w.holder is layer and (routed or len(w.shape) > 2)] if routed or counted else []
    if not stacked:
        return None
    experts = _count(layer, parent, stacked)
    routed_to = [w for w in stacked if experts and len(w.shape) >= 2 and w.shape[0] % experts == 0]
    return (experts, routed_to) if experts > 1 and routed_to else None


def _routes(layer: Any) -> bool:
    """Whether a layer is a mixture with a router of its own, so that a list in it holds experts under whatever name."""
    return bool(MIXTURE.search(type(layer).__name__)) and any(ROUTER.search(name) for name in layer._modules)


def _count(layer: Any, parent: Any, stacked: Sequence[Weight]) -> int:
    for holder in (layer, parent):
        for name in COUNTS:
            if isinstance(value := getattr(holder, name, None), int) and value > 1:
                return value
    leading = {w.shape[0] for w in stacked if len(w.shape) >= 3}
    return leading.pop() if len(leading) == 1 else 0


def _top_k(name: str, modules: Mapping[str, Any], experts: int) -> int:
    """How many of `experts` a token meets; 0 where nothing states it."""
    number = next((int(part) for part in name.split(".") if part.isdigit()), 0)
    path = name.split(".")
    holders = [modules[key] for end in range(len(path), -1, -1) if (key := ".".join(path[:end])) in modules]
    near = [each for holder in holders[:3] for each in (holder, *holder._modules.values())]
    found = [*(_first(each, (*TOP_K, *BARE_TOP_K, *_active(each)), number) for each in near), *(_by_class(each) for each in near)]
    for config in (config for holder in holders for config in _configs(holder)):
        of_experts = not hasattr(config, "model_type") and _first(config, COUNTS, number) == experts
        found.append(_first(config, (*TOP_K, *BARE_TOP_K) if of_experts else TOP_K, number))
    return next((k for k in found if 0 < k <= experts), 0)


def _first(holder: Any, names: Sequence[str], number: int) -> int:
    for name in names:
        value = holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)
        if isinstance(value, list | tuple) and value:  # one per layer
            value = value[min(number, len(value) - 1)]
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return 0


def _active(holder: Any) -> list[str]:
    return [name for name in vars(holder) if ACTIVE.search(name)]


def _by_class(holder: Any) -> int:
    named = re.search(r"top_?(\d+)", type(holder).__name__, re.IGNORECASE)
    return int(named[1]) if named else 0


def _configs(holder: Any) -> Iterator[Any]:
    """Configurations of a module, and those inside them (of the text model, of the feed-forward)."""
    for name in CONFIGS:
        config = getattr(holder, name, None)
        if config is None or callable(config):
            continue
        yield config
        inner = config.values() if isinstance(config, Mapping) else vars(config).values() if hasattr(config, "__dict__") else ()
        yield from [each for each in inner if isinstance(each, Mapping) or hasattr(each, "__dict__")]
