"""One block of a design's cells: its sizes and lengths become cells."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lightning_scaling import numbers
from lightning_scaling.ladder import values
from lightning_scaling.ladder.block_points import KINDS, Point, points_of
from lightning_scaling.ladder.branching import SHARED
from lightning_scaling.ladder.builder import Builder
from lightning_scaling.ladder.cell import SHAPES, Cell, Shape, identity
from lightning_scaling.ladder.faults import Faults
from lightning_scaling.ladder.hyper import published, value_of
from lightning_scaling.units import training_flops

__all__ = ["COMMON", "KINDS", "read_block"]
COMMON = ("sizes", "batch_tokens", "hyper", "schedule", "evaluations", "family", "seeds", "unique_tokens", "stop", "branches")
MOST_STEPS = 10**12


def read_block(
    place: str,
    block: Mapping[str, Any],
    own: Mapping[str, Any],
    builder: Builder | None,
    arguments: dict[str, Any],
    about: Any,
    faults: Faults,
) -> list[Cell]:
    """The cells of a block; `own` is the block as it is written, `block` with what the design gives all blocks."""
    faults.unknown(place, own, (*KINDS, *COMMON, "label"))
    found = points_of(place, block, builder, arguments, faults)
    shared = _shared(place, block, faults)
    seeds = faults.read(
        f"{place}.seeds", block.get("seeds", 0), lambda v: [values.natural(s) for s in values.many(v)], "whole numbers", [0]
    )
    branches = faults.read(f"{place}.branches", block.get("branches") or False, values.switch, "true or false", False)
    cells = []
    for seed in seeds:
        named = shared | {"seed": seed, "label": _label(block, seed, len(seeds))}
        made = [cell for point in found if (cell := _cell(place, point, block, named, about, faults)) is not None]
        cells += [replace(cell, trunk=SHARED) for cell in made] if branches else made
    return cells


def _label(block: Mapping[str, Any], seed: int, seeds: int) -> str:
    words = [str(block["label"])] if block.get("label") else []
    return " ".join([*words, f"s{seed}"] if seeds > 1 else words)


def _shared(place: str, block: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    """What holds for all cells of a block."""
    read = faults.read
    found: dict[str, Any] = {"schedule": _shape(f"{place}.schedule", block.get("schedule") or {}, faults)}
    found["evaluations"] = read(f"{place}.evaluations", block.get("evaluations", 24), values.whole, "a number of validations", 24)
    found["family"] = read(f"{place}.family", block["family"], values.text, "a name", "")
    if block.get("unique_tokens") is not None:
        found["unique_tokens"] = read(f"{place}.unique_tokens", block["unique_tokens"], values.whole, "a number of tokens", None)
    found["stop"] = _stop(f"{place}.stop", block.get("stop"), faults)
    return found


def _stop(place: str, given: Any, faults: Faults) -> tuple[str, ...]:
    from lightning_scaling.monitor.stopping import verdicts

    try:
        return tuple(v if isinstance(v, str) else v.name for v in verdicts(given))
    except (ValueError, TypeError) as error:
        faults.add(place, " ".join(str(error).split()))
        return ()


def _shape(place: str, given: Any, faults: Faults) -> Shape:
    if not isinstance(given, Mapping):
        faults.add(place, f"must be a table such as {{shape: wsd, warmup: 100}}, got {given!r}")
        return Shape()
    faults.unknown(place, given, ("shape", "warmup", "decay", "end"))
    usual = Shape()
    shape = given.get("shape", usual.shape)
    if shape not in SHAPES:
        faults.add(f"{place}.shape", f"must be one of {', '.join(SHAPES)}, got {shape!r}")
    rise = faults.read(f"{place}.warmup", given.get("warmup", usual.warmup), lambda v: float(v) if float(v) >= 0 else values.share(v),
                       "steps, or a share of them below 1", usual.warmup)  # fmt: skip
    rest = {
        name: faults.read(
            f"{place}.{name}", given.get(name, getattr(usual, name)), values.share, "a share from 0 to 1", getattr(usual, name)
        )
        for name in ("decay", "end")
    }
    return Shape(shape if shape in SHAPES else usual.shape, rise, **rest)


def _cell(place: str, point: Point, block: Mapping[str, Any], shared: dict[str, Any], about: Any, faults: Faults) -> Cell | None:
    tokens = point.tokens or point.flops / training_flops(point.params, 1)
    length = {"D": tokens, "C": point.flops or training_flops(point.params, tokens)} if tokens else {}
    known = {**point.size, "N": point.params, **length}
    rules = _rules(place, block, faults)
    batch = _valued(f"{place}.batch_tokens", rules.pop("batch_tokens", block.get("batch_tokens")), known, faults)
    if batch is None:
        if block.get("batch_tokens") is None:
            faults.add(f"{place}.batch_tokens", "is missing; give the tokens of one optimiser step")
        return None
    batch = faults.read(f"{place}.batch_tokens", batch, values.whole, "the tokens of one optimiser step", None)
    if batch is None:
        return None
    steps = point.steps or max(1, round(tokens / batch))
    if steps > MOST_STEPS:
        faults.add(place, f"{point.name} has {numbers.count(steps)} steps of {numbers.count(batch)} tokens; look at the unit of its length")
        return None
    known |= {"D": steps * batch, "C": training_flops(point.params, steps * batch)}
    hyper = {name: _valued(f"{place}.hyper.{name}", rule, known, faults) for name, rule in rules.items()}
    rest = {name: value for name, value in shared.items() if name != "label"}
    if rest["schedule"].warmup >= steps:
        faults.add(
            place, f"{point.name} has {steps} step{'s' * (steps != 1)} and a warm-up of {rest['schedule'].warmup:g}; shorten the warm-up"
        )
    decisive = dict(params=point.params, steps=steps, batch_tokens=batch, size=dict(point.size), hyper=hyper, **rest)
    decisive.pop("evaluations")
    name = " ".join(filter(None, (point.name, shared["label"])))
    return Cell(identity(about, **decisive), name, evaluations=rest["evaluations"], **decisive)


def _rules(place: str, block: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    given = block.get("hyper") or {}
    if not isinstance(given, Mapping):
        faults.add(f"{place}.hyper", f"must be a table such as {{lr: 3e-4}}, got {given!r}")
        return {}
    rules = dict(given)
    law = rules.pop("law", None)
    try:
        return {**({} if law is None else published(law)), **rules}
    except ValueError as error:
        faults.add(f"{place}.hyper.law", str(error))
        return rules


def _valued(place: str, rule: Any, known: Mapping[str, Any], faults: Faults) -> Any:
    try:
        return value_of(rule, known)
    except ValueError as error:
        faults.add(place, " ".join(str(error).split()))
    return None
