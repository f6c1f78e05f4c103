"""Names and numbers of one line of a training log, whatever the order and the separators: `iter 100: loss 5.67`, `step:5/10 loss=2`.

So most programs' prints need no pattern each. Lines whose step or loss has no name of its own are known by their shape.
"""

import re
from functools import lru_cache
from math import isfinite
from typing import NamedTuple

from lightning_scaling.importers.cells import BROKEN, NUMBER
from lightning_scaling.importers.column_names import CLOCKS, VALIDATION, Role, bare_loss, names_another, numbered, role, words
from lightning_scaling.importers.frame import Tally
from lightning_scaling.numbers import parse_count

_PAIR = re.compile(
    r"(?<!\w)(?P<name>[A-Za-z_][\w/.\-()]*(?:'s)?(?: [A-Za-z(][\w/.\-()]*){0,4}?)"
    r"['\"]?(?:\s{0,3}(?:[:=|]|->|=>|→)?|\s{4,24}\|)[\s'\"\[]{0,12}"
    rf"(?P<value>{NUMBER})(?:(?P<scale>[kKMBT])\b)?(?P<percent>%)?(?:\s{{0,3}}(?:/|of)\s{{0,12}}(?P<total>\d[\d,]*(?:\.\d+)?[kKM]?)\b)?",
    re.IGNORECASE,
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# What wraps a number where an array is printed: `tensor(2.31, device='cuda:0')`, `np.float64(2.31)`.
_WRAPPED = re.compile(r"\b(?:tensor|Tensor|Array|array|DeviceArray|(?:np\.|numpy\.|jnp\.)?b?float\d+)\(\[?\s*([-+\w.]+)[^()]*\)")
_FILE = re.compile(r"(?<!\S)['\"]?[.~]{0,2}/\S+|\S+\.(?:ckpt|pth?|safetensors|h5|keras)\b|\.{3,}")  # and leaders before a number
_NOISE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,\d]*Z?|\d\d:\d\d:\d\d[.,\d]*|\(\s*[\d.]+\s*%\s*\)")
_GROUP = re.compile(r"\s\((?:param(?:eter)? )?group (\d+)\)", re.IGNORECASE)
_RANK = re.compile(r"\b(?:local_|global_|dp_)?rank[\s:=_]*(\d+)\b", re.IGNORECASE)
_NANOGPT2 = re.compile(rf"^(?P<step>\d+) (?P<name>train|val|hella) (?P<value>{NUMBER})\s*$")
_LLMC = re.compile(r"^s:(\d+) (trl|tel|eval):")
_LLMC_NAMES = {"trl": "train loss", "tel": "val loss", "eval": "accuracy"}
# Marian: `Ep. 1 : Up. 1000 : Sen. 50,000 : Cost 6.1 : L.r. 3e-4`.
_MARIAN = re.compile(r"\b(Ep|Up|Sen)\. (?=\d)|\bL\.r\.")
_MARIAN_NAMES = {"Ep": "epoch", "Up": "update", "Sen": "samples", None: "lr"}
_CATBOOST = re.compile(rf"^(?P<step>\d+):\s+learn: (?P<train>{NUMBER})(?:\s+test: (?P<val>{NUMBER}))?")
_PROGRESS = re.compile(r"\bprogress:?\s*([\d.]+)\s*%", re.IGNORECASE)  # fastText has no other clock
_MEGATRON = re.compile(rf"validation loss at iteration (?P<step>\d+).*?loss value: (?P<value>{NUMBER})")
# A number that begins the line, or what follows a logger's own prefix: `100 | loss 5.6`, `[100] loss=5.6`, `100:<tab>loss: 5.6`.
_FIRST = re.compile(r"^(?:.*\]\s)?\s*(?:\[(?P<inside>\d+)\]|(?P<step>\d+)\s*(?:[|,\t]|:(?!\d)))")
_EPOCH_BATCH = re.compile(r"^\[(?P<epoch>\d+),\s*(?P<step>\d+)\]\s")  # PyTorch's tutorial: `[1,  2000] loss: 2.2`
_EPOCH_BEHIND = re.compile(r"\b(\d+)[ -]?epoch\b", re.IGNORECASE)
_PART = re.compile(
    r"(?:^|(?<=[\s|\[(:,]))(?:(?P<held>valid(?:ation|ate)?|val|eval(?:uation)?|dev|test)|train(?:ing|_inner)?)(?=[\s|\]):,])", re.I
)
_ITERATIONS = re.compile(r"\b(\d+)it \[")  # tqdm without a total
_HELD = re.compile("val|dev|test", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z_][A-Za-z_/]*")
_BRACKETED = re.compile(rf"\s*[(\[]\s*({NUMBER})\s*[)\]]|\s*(?:->|→)\s*({NUMBER})")
_LISTED = re.compile(rf"\s*,\s*({NUMBER})(?![\w%])")
_BAR = re.compile(r"[\[|(]\s*(?P<step>\d+)\s*/\s*(?P<total>\d+)\b")
_TQDM = re.compile(r"\b(?P<step>\d[\d.]*[kM]?)(?:it)?/(?P<total>\d[\d.]*[kM]?)it\b")
_EPOCH = re.compile(r"(?P<of>train )?(?:train|epoch)(?:\(train\))?[^\d|]{0,4}?(?P<epoch>\d+)\b(?!\s*%|\.\d)", re.IGNORECASE)


def parse(line: str, tally: Tally | None = None) -> dict[str, float]:
    """Names and numbers of one line.

    >>> parse("iter 100: loss 5.6771, time 123.45ms, mfu 30.00%")
    {'iter': 100.0, 'loss': 5.6771, 'time': 123.45, 'mfu': 30.0}
    >>> parse("step:100/10000 val_loss:3.2766 train_time:10ms"), parse("250 val 3.4"), parse("100 | loss 5.67")
    ({'step': 100.0, 'val_loss': 3.2766, 'train_time': 10.0}, {'step': 250.0, 'val loss': 3.4}, {'loss': 5.67, 'step': 100.0})
    >>> parse("| valid | epoch 001 | loss 5.1 | num_updates 100")
    {'epoch': 1.0, 'valid loss': 5.1, 'num_updates': 100.0}
    """
    line = _cleaned(line)
    if (known := _of_program(line)) is not None:
        return known
    rank = _RANK.search(line) if "ank" in line or "ANK" in line else None
    found = _pairs(line if rank is None else _RANK.sub("-", line), tally)
    found |= _unnamed(line, {r.what for name in found if (r := role(name))}, tally)
    return found if rank is None else {**found, "rank": float(rank[1])}


def _cleaned(line: str) -> str:
    """The line without colours, dates and names of files; arrays as their number, short names as those of `column_names`."""
    if "\x1b" in line:
        line = _COLOUR.sub("", line)
    if "(" in line:
        line = _GROUP.sub(r"/group\1", _WRAPPED.sub(r"\1", line))
    if "/" in line or ".." in line or ".ckpt" in line or ".pt" in line:
        line = _FILE.sub(" ", line)
    line = _MARIAN.sub(lambda found: f"{_MARIAN_NAMES[found[1]]} ", _NOISE.sub(" - ", line))
    return _LLMC.sub(lambda found: f"step:{found[1]} {_LLMC_NAMES[found[2]]}:", line)


def _of_program(line: str) -> dict[str, float] | None:
    """A line whose numbers have no names of their own, as build-nanogpt, Megatron and CatBoost print them."""
    if (bare := _NANOGPT2.match(line.strip())) is not None:
        return {"step": float(bare["step"]), f"{bare['name']} loss" if bare["name"] != "hella" else "hella": _value(bare["value"])}
    if (held := _MEGATRON.search(line)) is not None:
        return {"iteration": float(held["step"]), "validation loss": _value(held["value"])}
    if (boosted := _CATBOOST.match(line)) is not None:
        losses = {"test loss": boosted["val"], "train loss": boosted["train"]}
        return {"iteration": float(boosted["step"]), **{name: _value(value) for name, value in losses.items() if value}}
    return None


def _value(text: str) -> float:
    value = float(text.replace(",", ""))
    return value if isfinite(value) else BROKEN


def _pairs(line: str, tally: Tally | None) -> dict[str, float]:
    found: dict[str, float] = {}
    pairs = list(_PAIR.finditer(line))
    parts = []
    if _HELD.search(line) is not None:
        parts = [(mark.start(), mark["held"] is not None) for mark in _PART.finditer(line) if not _within(mark.start(), pairs)]
    for pair in pairs:
        name, meant, held = _known(pair["name"])
        what = "" if meant is None else meant.what
        if what in CLOCKS:
            if pair["percent"]:
                continue
            if held:  # `validate step: 5 loss: 2`
                parts.append((pair.start(), True))
            value = parse_count(pair["value"].replace(",", "") + pair["scale"]) if pair["scale"] else _value(pair["value"])
            found.setdefault(name, value)
            if tally is not None and pair["total"] and what == "step":
                tally.facts["total_steps"] = parse_count(pair["total"])
            continue
        if meant is None and bare_loss(name) is not None:
            name, meant = _qualified(name, line[: pair.start()])
            if meant is None or pair["percent"]:
                continue
        if meant is None or meant.what != "loss":
            found.setdefault(name, _value(pair["value"]))
            continue
        if not meant.split and max((p for p in parts if p[0] < pair.start()), default=(0, False))[1]:
            name = f"valid {name}"
        found[numbered(name, found)] = _value(pair["value"])
        if (second := _second(pair, line)) is not None:
            found[numbered(name, found)] = _value(second)
    return found


def _qualified(name: str, before: str) -> tuple[str, Role | None]:
    """`val` of `loss=9.0 (val=6.3)`, `avg` of `loss: 2.1 (avg 2.3)`: a loss where the last name before it is one; else no role."""
    owner = next((word for word in reversed(_WORD.findall(before)) if bare_loss(word) is None), "")
    meant = role(owner)
    if meant is None or meant.what != "loss":
        return name, None
    full = f"{name.strip('()')} {'loss' if meant.split else owner}"
    return full, role(full)


def _second(pair: "re.Match[str]", line: str) -> str | None:
    """The number right behind a loss, as in `loss 2.31 (2.40)`, `loss: 2.31/2.40` or `loss: [2.31, 2.40]`."""
    opened = line[pair.start("value") - 1] in "[("
    found = (_LISTED if opened else _BRACKETED).match(line, pair.end("value"))
    return pair["total"] if pair["total"] and pair["total"][-1].isdigit() else found and found[found.lastindex or 1]


def _within(place: int, pairs: "list[re.Match[str]]") -> bool:
    return any(pair.start("name") <= place < pair.end("name") for pair in pairs)


@lru_cache(4096)
def _known(text: str) -> tuple[str, Role | None, bool]:
    """(name, role, whether a word of validation was left out) of the words before a number: the last ones that name something best.

    What a logger writes in front of them is left out.

    >>> _known("INFO train loss")[0], _known("best val loss")[0], _known("validate step")[::2]
    ('train loss', 'best val loss', ('step', True))
    """
    parts = text.split(" ")
    named = [(found.rank, k) for k in range(len(parts)) if (found := role(" ".join(parts[k:]))) is not None]
    if not named or (role(text) is None and names_another(parts[min(named)[1] - 1])):
        return text, role(text), False
    first = min(named)[1]
    name = " ".join(parts[first:])
    return name, role(name), not VALIDATION.isdisjoint(words(" ".join(parts[:first])))


def _unnamed(line: str, have: set[str], tally: Tally | None) -> dict[str, float]:
    """A clock whose number is before its name, or that has none, where the line has a loss and no other clock."""
    if "loss" not in have or have & set(CLOCKS):
        return {}
    if (both := _EPOCH_BATCH.match(line)) is not None:
        return {"epoch": float(both["epoch"]), "step": float(both["step"])}
    if (behind := _EPOCH_BEHIND.search(line)) is not None:
        return {"epoch": float(behind[1])}
    if (counted := _ITERATIONS.search(line)) is not None:
        return {"step": float(counted[1])}
    if (share := _PROGRESS.search(line)) is not None:
        if tally is not None:
            tally.remark("progress in percent is read as steps, of which the whole run has 100")
            tally.facts["total_steps"] = 100.0
        return {"step": float(share[1])}
    first = _FIRST.match(line) if bar(line) is None else None
    return {} if first is None else {"step": float(first["inside"] or first["step"])}


class Bar(NamedTuple):
    """A progress bar: step and total, the epoch where the line has one, and whether it counts samples, as PyTorch's examples do."""

    step: float
    total: float
    epoch: float | None = None
    samples: bool = False


def bar(line: str) -> Bar | None:
    """The progress in a line, of an epoch or of the whole run.

    >>> bar("Epoch 0:  3%|#   | 100/1000 ["), bar("Epoch:[1/4](100/2500)")[:3], bar("1.2kit/10kit")[:2]
    (Bar(step=100.0, total=1000.0, epoch=0.0, samples=False), (100.0, 2500.0, 1.0), (1200.0, 10000.0))
    """
    line = _COLOUR.sub("", line)
    fractions = list(_BAR.finditer(line)) or list(_TQDM.finditer(line))
    fractions = [each for each in fractions if parse_count(each["step"]) <= parse_count(each["total"])]
    if not fractions:
        return None
    epoch = _EPOCH.search(line[: fractions[0].end()])
    # Of two fractions behind the word the first counts epochs: `Epoch:[1/4](100/2500)`.
    last = fractions[1] if len(fractions) > 1 and epoch is not None and fractions[0].start() < epoch.end("epoch") else fractions[0]
    if epoch is not None and epoch.start("epoch") >= last.start():
        epoch = None
    counted = parse_count(last["step"]), parse_count(last["total"])
    return Bar(*counted, None if epoch is None else float(epoch["epoch"]), epoch is not None and epoch["of"] is not None)
