"""The sizes and lengths of a block: a ladder at a ratio, IsoFLOP curves, single runs, or what a fitted law asks for next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightning_scaling import numbers
from lightning_scaling.ladder import values
from lightning_scaling.ladder.builder import Builder
from lightning_scaling.ladder.faults import Faults
from lightning_scaling.units import training_flops

KINDS = ("ladder", "isoflop", "runs", "next")


@dataclass(frozen=True)
class Point:
    """A size and how long it is trained: one of tokens, steps and flops decides the length."""

    name: str
    params: int
    size: Mapping[str, Any] = field(default_factory=dict)
    tokens: float = 0.0
    steps: int = 0
    flops: float = 0.0


@dataclass(frozen=True)
class Sizes:
    """Reads sizes: a number of parameters, or a table that the builder can count."""

    builder: Builder | None
    arguments: dict[str, Any]
    faults: Faults

    def read(self, place: str, given: Any) -> Point | None:
        if isinstance(given, Mapping):
            return self._of_table(place, dict(given))
        params = self.faults.read(place, given, values.whole, "a number of parameters such as 124M, or a table such as {width: 64}", None)
        if params is None:
            return None
        nearest = getattr(self.builder, "nearest", None)
        return self._of_table(place, nearest(params, **self.arguments)) if nearest else Point(numbers.count(params), params)

    def _of_table(self, place: str, size: dict[str, Any]) -> Point | None:
        count = getattr(self.builder, "params_of", None)
        params = size.pop("params", None)
        if params is not None and not (size and count):
            params = self.faults.read(f"{place}.params", params, values.whole, "a number of parameters such as 124M", None)
            return None if params is None else Point(_name(size, params), params, size)
        if count is None:
            if self.builder is not None:
                self.faults.add(place, f"{size} has no params and the builder cannot count it; add params, or give the builder `params_of`")
            return None
        try:
            params = int(count(size, **self.arguments))
        except (ValueError, TypeError, KeyError) as error:
            self.faults.add(place, f"{size} is no size of this builder: {' '.join(str(error).split())}")
            return None
        return Point(_name(size, params), params, size)


def _name(size: Mapping[str, Any], params: int) -> str:
    return f"w{size['width']}" if "width" in size else numbers.count(params)


def points_of(place: str, block: Mapping[str, Any], builder: Builder | None, arguments: dict[str, Any], faults: Faults) -> list[Point]:
    """What a block asks for, in the order in which it is written."""
    kinds = [kind for kind in KINDS if block.get(kind) is not None]
    if len(kinds) != 1:
        faults.add(place, f"needs exactly one of {', '.join(KINDS)}, got {' and '.join(kinds) or 'none'}")
        return []
    sizes = Sizes(builder, arguments, faults)
    if kinds[0] == "runs":
        return _runs(f"{place}.runs", block["runs"], sizes)
    if kinds[0] == "next":
        return _next(f"{place}.next", block["next"], sizes)
    if block.get("sizes") is None:
        faults.add(f"{place}.sizes", f"is missing; {kinds[0]} needs a list of sizes")
        return []
    each = faults.read(f"{place}.sizes", block["sizes"], values.many, "a list of sizes", [])
    found = [size for i, given in enumerate(each, 1) if (size := sizes.read(f"{place}.sizes[{i}]", given)) is not None]
    return _ladder(place, block["ladder"], found, faults) if kinds[0] == "ladder" else _isoflop(place, block["isoflop"], found, faults)


def _ladder(place: str, given: Any, sizes: list[Point], faults: Faults) -> list[Point]:
    ratio = faults.read(f"{place}.ladder", given, values.positive, "tokens per parameter, such as 20", None)
    return [] if ratio is None else [Point(s.name, s.params, s.size, tokens=ratio * s.params) for s in sizes]


def _isoflop(place: str, given: Any, sizes: list[Point], faults: Faults) -> list[Point]:
    wanted = "FLOPs of each curve, such as [1e18, 3e18]"
    budgets = faults.read(f"{place}.isoflop", given, lambda v: [values.compute(b) for b in values.many(v)], wanted, [])
    return [Point(f"{s.name} {numbers.scientific(b)}", s.params, s.size, flops=b) for b in budgets for s in sizes]


def _runs(place: str, given: Any, sizes: Sizes) -> list[Point]:
    found = []
    for i, run in enumerate(given if isinstance(given, list) else [given], 1):
        here = f"{place}[{i}]"
        if not isinstance(run, Mapping):
            sizes.faults.add(here, f"must be a table such as {{params: 80M, tokens: 1.6B}}, got {run!r}")
            continue
        lengths = {name: run[name] for name in ("tokens", "steps", "flops") if run.get(name) is not None}
        if len(lengths) != 1:
            sizes.faults.add(here, f"needs exactly one of tokens, steps and flops, got {' and '.join(lengths) or 'none'}")
            continue
        (kind, text), name = next(iter(lengths.items())), run.get("name")
        read = values.compute if kind == "flops" else values.whole
        length = sizes.faults.read(f"{here}.{kind}", text, read, f"a number of {kind} above zero", None)
        size = sizes.read(here, {key: value for key, value in run.items() if key not in ("tokens", "steps", "flops", "name")})
        if length is not None and size is not None:
            found.append(Point(str(name or f"{size.name} {_length(kind, length)}"), size.params, size.size, **{kind: length}))
    return found


def _length(kind: str, length: float) -> str:
    return numbers.scientific(length) if kind == "flops" else f"{numbers.count(length)} {kind}"


def _next(place: str, given: Any, sizes: Sizes) -> list[Point]:
    try:
        listed = _proposed(given)
    except (ValueError, OSError, KeyError, TypeError) as error:
        sizes.faults.add(place, " ".join(str(error).split()))
        return []
    found = [(sizes.read(place, run["params"]), run) for run in listed]
    # The size that a builder can make is not quite the one asked for: the compute stays.
    return [
        Point(f"{s.name} {numbers.scientific(training_flops(run['params'], run['tokens']))}", s.params, s.size, flops=float(run["flops"]))
        for s, run in found
        if s is not None
    ]


def _proposed(given: Any) -> list[dict[str, Any]]:
    """The runs of a file that `fit --next-budget --json` or `NextRuns.ladder` made, or those that a saved law asks for."""
    if isinstance(given, str):
        import json

        document = json.loads(Path(given).read_text())
        return list((document.get("next_runs") or document)["runs"])
    from lightning_scaling.laws import load, next_runs

    if not isinstance(given, Mapping) or "law" not in given or "budget" not in given:
        raise ValueError(f"must be a file of next runs, or a table {{law: law.json, budget: 1e19}}, got {given!r}")
    target = values.compute(given["target"]) if given.get("target") is not None else None
    made = next_runs(load(given["law"]), values.compute(given["budget"]), target, int(given.get("count", 4)))
    return list(made.ladder()["runs"])
