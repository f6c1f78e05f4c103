"""Which submodules are a second copy of the model: averaged weights, a teacher, a reference. They are not N.

Recognised by class (torch's AveragedModel, timm's ModelEma), by name where nothing of it is trained (ema, teacher, ref_model), and by
structure: an attribute near the top of which nothing is trained and whose weights match, by name and shape, a trained one beside it.
Frozen layers in one list with trained ones of the same structure are layers and no copies. Not trained is what is frozen and, where the
optimisers are known, what none of them holds: many a copy is updated by hand and never frozen.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from lightning_scaling.accounting.weights import Weight, clean, weights

CLASSES = re.compile(r"^(AveragedModel|ModelEma.*|EMA|ExponentialMovingAverage|EMAModel)$")
NAMES = re.compile(
    r"(^|_)(ema|teacher|shadow|averaged?|avg|swa|polyak|((ref(erence)?|old|target)_(model|policy|actor|critic)|target_(net|network|encoder))|"
    r"momentum_(net|network|encoder|model))(_|$)|^original_module$",
    re.IGNORECASE,
)
RUNS_TOO = re.compile(r"teacher|ref(erence)?_model|target|momentum", re.IGNORECASE)
LISTS = ("ModuleList", "ModuleDict", "Sequential")
NOBODY: frozenset[int] = frozenset()
_OPTIMISED = ContextVar("weights that an optimiser holds, while a model is counted", default=NOBODY)


@contextmanager
def optimised_by(optimizers: Iterable[Any], module: Any) -> Iterator[None]:
    """While a model is counted in here, weights that none of its optimisers holds are not trained.

    Left out where the optimisers hold other tensors than the model's own, as some strategies make them.
    """
    held = frozenset(id(p) for each in optimizers for group in getattr(each, "param_groups", ()) for p in group["params"])
    own = {id(p) for p in module.parameters()} if module is not None else NOBODY
    token = _OPTIMISED.set(held if held <= own else NOBODY)
    try:
        yield
    finally:
        _OPTIMISED.reset(token)


def copies(module: Any, held: Sequence[Weight]) -> list[str]:
    """Names of the submodules that are copies, outermost first; none where nothing else would be left."""
    trained = _trained(held)
    if not trained.get(""):
        return []
    layers = {clean(raw): layer for raw, layer in module.named_modules()}
    found: list[str] = []
    for name, layer in layers.items():
        if name and not _under(name, found) and _is_copy(name, layer, layers, trained, held):
            found.append(name)
    return found if any(_is_trained(w) and not _under(w.name, found) for w in held) else []


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


def _is_copy(name: str, layer: Any, layers: Mapping[str, Any], trained: Mapping[str, bool], held: Sequence[Weight]) -> bool:
    if any(CLASSES.match(base.__name__) for base in type(layer).__mro__):
        return True
    if trained.get(name, True):  # some of it is trained, or it holds nothing
        return False
    parent, _, own = name.rpartition(".")
    if NAMES.search(own):
        return True
    near_the_top = "." not in parent and type(layers.get(parent)).__name__ not in LISTS
    return near_the_top and _has_twin(name, [other for other in layers if other.rpartition(".")[0] == parent and trained.get(other)], held)


def _has_twin(name: str, trained: Sequence[str], held: Sequence[Weight]) -> bool:
    """Whether one of the trained modules beside it has the same weights by name and shape; single layers are alike by chance."""
    structure = _structure(name, held)
    return len(structure) > 2 and any(_structure(other, held) == structure for other in trained)


def _structure(name: str, held: Sequence[Weight]) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes of its weights, without the names of modules that only wrap another one."""
    inside = [w for w in held if w.name.startswith(f"{name}.")]
    paths = [w.name.split(".") for w in inside]
    shared = next((i for i, names in enumerate(zip(*paths, strict=False)) if len(set(names)) > 1), min(map(len, paths), default=1) - 1)
    return [(".".join(path[shared:]), w.shape) for path, w in zip(paths, inside, strict=True)]


def _is_trained(weight: Weight) -> bool:
    held = _OPTIMISED.get()
    return weight.trainable and (not held or weight.key in held)


def _trained(held: Sequence[Weight]) -> dict[str, bool]:
    """Whether anything is trained in each module that holds weights, by name; "" is the whole."""
    found: dict[str, bool] = {}
    for weight in held:
        name = weight.name
        while name:
            name = name.rpartition(".")[0]
            found[name] = found.get(name, False) or _is_trained(weight)
    return found
