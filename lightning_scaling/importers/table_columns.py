"""Columns of a table of finished runs: params, tokens, loss, FLOPs or the run, with the unit that the name gives (`N (B)`, `PFLOPs`)."""

import re
from typing import NamedTuple

from lightning_scaling.importers.column_names import PREFIXED, role, word_set, words
from lightning_scaling.numbers import SIZES
from lightning_scaling.units import FLOPS_PER_PF_DAY

_UNITS = {word: 10.0**power for word, power in SIZES.items() if power and word not in ("p", "e", "z", "y")}
_SECONDS = {"day": 86400.0, "hour": 3600.0}  # of a rate, as in `PFLOP/s-days`
_FLOPS = re.compile(r"(|k|kilo|m|mega|g|giga|t|tera|p|peta|e|exa|z|zetta|y|yotta)flops?$")
_PARAMS = {"params", "param", "parameters", "parameter", "nparams", "weights"}
_ACTIVE = {"active", "activated", "act"}
_TOKENS = {"tokens", "token", "ntokens"}
# What may stand beside the letters N and D of a size: d_model and n_ctx are none.
_BESIDE_LETTER = (
    word_set("non emb embedding nonembedding total x e 10 1 in of thousands millions billions trillions") | _ACTIVE | set(_UNITS)
)
_RUN = ("run", "group", "run_id", "run_name", "curve_id", "run_uuid", "name", "id", "experiment")
_OTHER = word_set("per ratio s sec second utilization mfu batch vocab optimal opt predicted std stderr err lr unique log log10 ln")


MODEL = 2  # rank of a column of models, whose cells may be sizes


class Meaning(NamedTuple):
    """`what` a column is, the `scale` its name gives its numbers, and a `rank`: of several the lowest is meant."""

    what: str
    scale: float = 1.0
    rank: int = 0


def meaning(name: str) -> Meaning | None:
    """The meaning of a column's name in a table of runs, None for one that is not needed.

    >>> meaning("Params (B)"), meaning("compute [PFLOPs]"), meaning("tokens_per_second")
    (Meaning(what='params', scale=1000000000.0, rank=0), Meaning(what='flops', scale=1000000000000000.0, rank=0), None)
    """
    found = words(name)
    have = set(found)
    if "_".join(found) in _RUN:
        return Meaning("run", 1.0, _RUN.index("_".join(found)))
    if (loss := role(name)) is not None and loss.what == "loss":
        return Meaning("loss", 1.0, loss.rank + {"validation": 0, "test": 1, "": 2, "train": 3}[loss.split])
    if found == ("l",):
        return Meaning("loss", 1.0, 2)
    if have & _OTHER - ({"s"} if have & {"day", "days", "hour", "hours"} else set()):
        return None
    return _flops(name, found, have) or _count(name, found, have)


def counts_active(name: str) -> bool:
    """Whether a column of parameters counts those that a token meets in a mixture of experts.

    >>> counts_active("N active (B)"), counts_active("total_params")
    (True, False)
    """
    return bool(set(words(name)) & _ACTIVE)


def usual(what: str, name: str) -> bool:
    """Whether a column is the (peak) "learning rate" or the "batch" (its size) of a run by its usual names.

    >>> usual("learning rate", "peak_lr"), usual("batch", "batch_size"), usual("batch", "loss per batch")
    (True, True, False)
    """
    held = set(words(name))
    if what == "batch":
        return bool(held & {"batch", "batchsize", "bs", "gbs"}) and not held & {"per", "micro", "loss", "time", "steps"}
    rate = bool(held & {"lr", "learningrate"}) or {"learning", "rate"} <= held
    return what == "learning rate" and rate and not held & {"min", "final", "end", "warmup", "decay"}


def _flops(name: str, found: tuple[str, ...], have: set[str]) -> Meaning | None:
    if ({"pf", "days"} <= have or {"pf", "day"} <= have or have & {"pfdays", "pfday"}) and not have & _TOKENS:
        return Meaning("flops", FLOPS_PER_PF_DAY, 1)
    units = [10.0 ** SIZES[unit[1][:1]] for word in found if (unit := _FLOPS.match(word)) is not None]
    if units:
        seconds = next((seconds for word, seconds in _SECONDS.items() if word in have or f"{word}s" in have), 1.0)
        return Meaning("flops", max(*units, _power(name) or 1.0) * seconds)
    if found in (("c",), ("compute",), ("training", "compute"), ("train", "compute"), ("budget",), ("compute", "budget")):
        return Meaning("flops", _power(name) or 1.0)
    return None


def _count(name: str, found: tuple[str, ...], have: set[str]) -> Meaning | None:
    sized = found in (("size",), ("model", "size")) or (have & {"size"} and have & {"model"})
    if have & _PARAMS or sized or _is_letter("n", found):
        part = bool(have & ({"non", "nonembedding", "embedding", "emb", "trainable"} | _ACTIVE))
        return Meaning("params", unit_of(name), int(part))
    if have & _TOKENS or _is_letter("d", found) or found in (("data",), ("dataset", "size"), ("samples",), ("samples", "seen")):
        return Meaning("tokens", unit_of(name), int(not have & _TOKENS))
    return Meaning("params", unit_of(name), MODEL) if found == ("model",) else None  # where its cells are sizes


def _is_letter(letter: str, found: tuple[str, ...]) -> bool:
    return found[:1] == (letter,) and all(word in _BESIDE_LETTER or re.fullmatch(r"e?\d+", word) for word in found[1:])


def unit_of(name: str) -> float:
    """The unit in a column's name: `(B)`, `_millions`, `[1e9]`; 1 where there is none.

    >>> unit_of("N (M)"), unit_of("tokens_b"), unit_of("tokens / 1e9"), unit_of("params")
    (1000000.0, 1000000000.0, 1000000000.0, 1.0)
    """
    if (power := _power(name)) is not None:
        return power
    return next((_UNITS[one] for word in reversed(words(name)[1:]) if (one := word.removesuffix("s")) in _UNITS), 1.0)


def rate_unit(name: str) -> float:
    """The unit in the name of a learning rate: `lr ×1e-4`, `lr (10^-3)`.

    >>> rate_unit("lr ×1e-4"), rate_unit("lr")
    (0.0001, 1.0)
    """
    return power if (power := _power(name, "-")) is not None else 1.0


def _power(name: str, sign: str = "") -> float | None:
    """The power of ten in a name."""
    power = re.search(rf"1e\+?({sign}\d{{1,2}})\b|10\s?(?:\^|\*\*)\s?({sign}\d{{1,2}})\b", name, re.IGNORECASE)
    return None if power is None else float(f"1e{power[1] or power[2]}")


def clock_unit(name: str, what: str) -> float:
    """The unit in the name of a clock of a log: in brackets for any clock, behind the word as well where it counts tokens.

    >>> clock_unit("Tokens (B)", "tokens"), clock_unit("tokens_b", "tokens"), clock_unit("step (k)", "step"), clock_unit("step_t", "step")
    (1000000000.0, 1000000000.0, 1000.0, 1.0)
    >>> clock_unit("million_tokens", "tokens"), clock_unit("ksteps", "step")
    (1000000.0, 1000.0)
    """
    if (scaled := PREFIXED.match(name.strip())) is not None:
        return _UNITS[scaled[1].lower()]
    inside = re.search(r"[(\[](.+?)[)\]]", name)
    if inside is not None:
        return unit_of(f"x {inside[1]}")
    if what != "tokens" or words(name)[-1] in ("t", "g"):
        return 1.0
    return unit_of(f"x {name}") if len(words(name)[0]) > 3 else unit_of(name)
