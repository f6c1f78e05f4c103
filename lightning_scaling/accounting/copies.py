"""Which submodules are a second copy of the model: averaged weights, a teacher, a reference. They are not N.

Recognised by class (torch's AveragedModel, timm's ModelEma), by name where nothing of it is trained (ema, teacher, ref_model), and by
structure: an attribute near the top whose weights are all frozen and match, by name and shape, a trained one beside it. Frozen layers
in one list with trained ones of the same structure are layers and no copies.
"""

import re
from collections.abc import Sequence
from typing import Any

from lightning_scaling.accounting.weights import Weight, clean, weights

CLASSES = re.compile(r"^(AveragedModel|ModelEma.*|EMA|ExponentialMovingAverage|EMAModel)$")
NAMES = re.compile(r"(^|_)(ema|teacher|ref(erence)?_model|shadow|averaged?|avg|swa)(_|$)|^original_module$", re.IGNORECASE)
RUNS_TOO = re.compile(r"teacher|ref(erence)?_model|target|momentum", re.IGNORECASE)
LISTS = ("ModuleList", "ModuleDict", "Sequential")


def copies(module: Any, held: Sequence[Weight]) -> list[str]:
    """Names of the submodules that are copies, outermost first; none where nothing else would be left."""
    if not any(w.trainable for w in held):
        return []
    found: list[str] = []
    for raw, layer in module.named_modules():
        name = clean(raw)
        if name and not _under(name, found) and _is_copy(module, name, layer, held):
            found.append(name)
    return found if any(w.trainable and not _under(w.name, found) for w in held) else []


def without_copies(module: Any, held: Sequence[Weight]) -> list[Weight]:
    """The weights of the model itself."""
    names = copies(module, held)
    return [w for w in held if not _under(w.name, names)]


def own_weights(module: Any) -> list[Weight]:
    """All weights of a module but those of copies."""
    return without_copies(module, list(weights(module)))


def also_run(names: Sequence[str]) -> list[str]:
    """Those of the copies that a training step runs forward too, by their names."""
    return [name for name in names if RUNS_TOO.search(name)]


def _under(name: str, names: Sequence[str]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in names)


def _is_copy(module: Any, name: str, layer: Any, held: Sequence[Weight]) -> bool:
    if any(CLASSES.match(base.__name__) for base in type(layer).__mro__):
        return True
    inside = [w for w in held if w.name.startswith(f"{name}.")]
    if not inside or any(w.trainable for w in inside):
        return False
    return bool(NAMES.search(name.rpartition(".")[2])) or _has_twin(module, name, held)


def _has_twin(module: Any, name: str, held: Sequence[Weight]) -> bool:
    """Whether a trained module beside it, under the root or one below, has the same weights by name and shape."""
    parent_name, _, own = name.rpartition(".")
    parent = next((layer for raw, layer in module.named_modules() if clean(raw) == parent_name), None)
    if parent is None or parent_name.count(".") > 0 or type(parent).__name__ in LISTS:
        return False
    structure = _structure(name, held)
    beside = [child for child in map(clean, parent._modules) if child != own]
    names = [f"{parent_name}.{child}" if parent_name else child for child in beside]
    return len(structure) > 2 and any(_structure(twin, held) == structure and _trained(twin, held) for twin in names)


def _structure(name: str, held: Sequence[Weight]) -> list[tuple[str, tuple[int, ...]]]:
    return [(w.name.removeprefix(name), w.shape) for w in held if w.name.startswith(f"{name}.")]


def _trained(name: str, held: Sequence[Weight]) -> bool:
    return any(w.trainable for w in held if w.name.startswith(f"{name}."))
