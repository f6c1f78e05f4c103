"""What training scripts print: lines in which names stand before numbers (`iter 100: loss 5.67`, `step:100/10000 train_loss:5.67`,
`iteration 10/500000 | lm loss: 1.0E+01 |`), read as names and numbers, whatever the order and the separators.

So nanoGPT, modded-nanogpt, nanochat, torchtitan, Megatron, NeMo, Keras and transformers' own prints need no pattern each. Two logs
without names do: llm.c's `s:100 trl:5.67` and build-nanogpt's `100 train 5.67`.
"""

import re
from collections.abc import Iterable, Iterator

import numpy as np

from lightning_scaling.importers.cells import number
from lightning_scaling.importers.frame import Frame, frames_of
from lightning_scaling.importers.importer import Importer
from lightning_scaling.importers.names import role
from lightning_scaling.importers.options import Options
from lightning_scaling.importers.source import Source
from lightning_scaling.importers.tally import Tally

CLOCKS = ("tokens", "step", "samples", "epoch")
_VALUE = r"(?:[-+]?(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d*)?(?:[eE][-+]?\d+)?|[-+]?\.\d+(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf)\b)"
_PAIR = re.compile(
    r"(?P<name>[A-Za-z_][\w/.\-()]*(?: [A-Za-z(][\w/.\-()]*){0,4}?)['\"]?\s{0,3}[:=|]?[\s'\"\[]{0,12}"
    rf"(?P<value>{_VALUE})(?:(?P<scale>[kKMBT])\b)?%?(?:\s{{0,3}}(?:/|of)\s{{0,12}}(?P<total>\d+))?",
    re.IGNORECASE,
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,\d]*|\d\d:\d\d:\d\d[.,\d]*|\(\s*[\d.]+\s*%\s*\)")
_NANOGPT2 = re.compile(rf"^(?P<step>\d+) (?P<name>train|val|hella) (?P<value>{_VALUE})\s*$")
_LLMC = re.compile(r"^s:(\d+) (trl|tel|eval):")
_LLMC_NAMES = {"trl": "train loss", "tel": "val loss", "eval": "accuracy"}
_SCALE = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
_MEGATRON = re.compile(rf"validation loss at iteration (?P<step>\d+).*?loss value: (?P<value>{_VALUE})")
_PROGRESS = re.compile(
    r"(?:(?:train|epoch)\D{0,3}(?P<epoch>\d+)\b\D{0,3}?[^\d]*?(?:\d+%[^\d]*?)?)?[\[|]\s*(?P<step>\d+)\s*/\s*(?P<total>\d+)\b", re.IGNORECASE
)
_LITGPT = re.compile(rf"loss train: (?P<train>{_VALUE}),\s*val: (?P<val>{_VALUE}|n/a)")


def recognises(source: Source) -> bool:
    """A few lines that hold a clock and a loss, or a long text that may come to them."""
    if not source.is_text:
        return False
    lines = source.text.splitlines()
    return next(_rows(enumerate(lines, 1), Tally()), None) is not None or len(lines) > 300


def read(source: Source, options: Options, tally: Tally) -> Iterator[Frame]:
    """The lines that hold a clock with a loss or a rate."""
    tally.kind = signature(source)
    return frames_of(_rows(source.lines(), tally), tally)


def _rows(lines: Iterable[tuple[int, str]], tally: Tally) -> Iterator[tuple[int, dict[str, float]]]:
    """A loss without a clock belongs to the step before it where it is a validation loss, or where that step's line had no loss itself."""
    clock: dict[str, float] = {}
    bare = False
    for number_of_line, line in lines:
        row = parse(line[:4000], tally)
        roles = [found for name in row if (found := role(name)) is not None]
        have = {found.what for found in roles}
        if have & set(CLOCKS):
            clock = {name: value for name, value in row.items() if (found := role(name)) and found.what in CLOCKS}
            bare = not have & {"loss", "lr", "perplexity"}
        elif have & {"loss", "lr"} and clock and (bare or all(r.split == "validation" for r in roles)):
            tally.remark("values printed without a step belong to the step before them")
            row, have = {**clock, **row}, {*have, "step"}
        if have & {"loss", "lr", "perplexity"} and have & set(CLOCKS):
            yield number_of_line, row
        elif line.strip():
            tally.skip("no step with a loss or a learning rate", number_of_line)


def parse(line: str, tally: Tally | None = None) -> dict[str, float]:
    """Names and numbers of one line.

    >>> parse("iter 100: loss 5.6771, time 123.45ms, mfu 30.00%")
    {'iter': 100.0, 'loss': 5.6771, 'time': 123.45, 'mfu': 30.0}
    >>> parse("step:100/10000 val_loss:3.2766 train_time:10ms"), parse("250 val 3.4")
    ({'step': 100.0, 'val_loss': 3.2766, 'train_time': 10.0}, {'step': 250.0, 'val loss': 3.4})
    """
    line = _STAMP.sub(" - ", _COLOUR.sub("", line))
    line = _LLMC.sub(lambda found: f"step:{found[1]} {_LLMC_NAMES[found[2]]}:", line)
    if (bare := _NANOGPT2.match(line.strip())) is not None:
        return {"step": float(bare["step"]), f"{bare['name']} loss" if bare["name"] != "hella" else "hella": number(bare["value"])}
    if (held := _MEGATRON.search(line)) is not None:
        return {"iteration": float(held["step"]), "validation loss": number(held["value"])}
    found: dict[str, float] = {}
    for pair in _PAIR.finditer(line):
        name = _name(pair["name"])
        counted = (meant := role(name)) is not None and meant.what in CLOCKS
        scale = _SCALE.get(pair["scale"] or "", 1.0) if counted else 1.0
        found.setdefault(name, scale * number(pair["value"].replace(",", "")))
        if tally is not None and pair["total"] and meant is not None and meant.what == "step":
            tally.facts["total_steps"] = float(pair["total"])
    if (both := _LITGPT.search(line)) is not None:
        found = {k: v for k, v in found.items() if k not in ("loss train", "val")}
        found |= {k: v for k, v in {"train loss": number(both["train"]), "val loss": number(both["val"])}.items() if not np.isnan(v)}
    return found if any((r := role(name)) and r.what == "step" for name in found) else found | _progress(line)


def _progress(line: str) -> dict[str, float]:
    """The step in a progress bar, `Epoch 0:  3%|#   | 100/1000 [`, counted over epochs of equal length."""
    bar = _PROGRESS.search(line)
    if bar is None:
        return {}
    step, total, epoch = float(bar["step"]), float(bar["total"]), float(bar["epoch"] or 0)
    return {"step": epoch * total + step} if step <= total else {}


def _name(text: str) -> str:
    """The words before a number: what a logger writes in front of them is left out up to the last word that can begin a name."""
    parts = text.split(" ")
    if role(text) is None and len(parts) > 1:
        return next((" ".join(parts[k:]) for k in range(1, len(parts)) if role(" ".join(parts[k:]))), text)
    return text


def signature(source: Source) -> str:
    """Which program's log it is, as far as its lines tell; else "text log"."""
    head = source.text
    marks = {
        "nanoGPT log": r"^iter \d+: loss |^step \d+: train loss ",
        "modded-nanogpt log": r"^step:\d+/\d+ \w+_loss:",
        "llm.c log": r"^s:\d+ t[re]l:",
        "build-nanogpt log": r"^\d+ (train|val) \d",
        "Megatron log": r"iteration +\d+/ *\d+ \| consumed samples",
        "NeMo log": r"global_step: \d+ .*reduced_train_loss",
        "torchtitan log": r"step: +\d+ .*loss: .*tps",
        "litgpt log": r"iter \d+ step \d+ \| loss train",
        "nanochat log": r"^step \d+/\d+ \(.*\) \| (train )?loss",
    }
    return next((kind for kind, mark in marks.items() if re.search(mark, _COLOUR.sub("", head), re.MULTILINE)), "text log")


IMPORTERS = (Importer("text", "text log", recognises, read),)
