"""A design read from YAML (or a dict of the same form), checked as a whole: every fault is a line of its own.

name: my-ladder            builder: my_package.models:build       store: sqlite:///mlflow.db
batch_tokens: 65536        hyper: {lr: {at: 0.01, N: -0.3}}       schedule: {shape: cosine}
cells:
  - {ladder: 20, sizes: [10M, 20M, 40M]}                          tokens per parameter
  - {isoflop: [1e18, 3e18], sizes: [10M, 20M, 40M]}               FLOPs of each curve
  - {runs: [{params: 80M, tokens: 1.6B}], family: large}          single runs
  - {next: {law: law.json, budget: 1e19}}                         what the fitted law asks for

What is given beside `cells` holds for every block; a block may give its own.
"""

import inspect
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from lightning_scaling.ladder import values
from lightning_scaling.ladder.block_reading import COMMON, KINDS, read_block
from lightning_scaling.ladder.branching import with_branches
from lightning_scaling.ladder.builder import Builder, load_builder
from lightning_scaling.ladder.cell import Cell
from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.faults import DesignFaults, Faults
from lightning_scaling.monitor.options import Options

# key: (how it is read, what it must be, default)
FIELDS: dict[str, tuple[Any, str, Any]] = {
    "name": (values.file_name, "words without / or \\ (quote a number or a date)", ""),
    "arguments": (values.table, "a table of the builder's arguments", {}),
    "store": (values.text, "a tracking URI or a folder", None),
    "experiment": (values.text, "the name of an experiment", None),
    "folder": (values.text, "a folder or an address of fsspec", None),
    "cores": (values.whole, "a number of cores, 1 or more", 1),
    "retries": (values.natural, "a whole number, 0 or more", 1),
    "checkpoint_seconds": (values.positive, "seconds above zero", 60.0),
    "monitor": (values.table, "a table of the monitor's options", {}),
    "trainer": (values.table, "a table of Trainer arguments", {}),
    "noise": (values.positive, "a relative scatter above zero, such as 0.005", 0.005),
    "early": (values.switch_or_share, "true, false, or the relative error of an end that is known well enough, such as 0.01", None),
}
FOLDER = Path(__file__).parent / "designs"


def read_design(source: str | Path | Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> Design:
    """The design of a YAML file or of a dict; `changes` replace what is given at its top.

    Raises:
        DesignFaults: anything that is wrong, all of it at once (a ValueError).
        OSError: the file cannot be read.
    """
    faults = Faults()
    given = {**_document(source), **{key: value for key, value in (changes or {}).items() if value is not None}}
    faults.unknown("", given, (*FIELDS, *COMMON, "builder", "cells", "law"))
    top = {name: _field(given, name, faults) for name in FIELDS}
    faults.unknown("monitor", top["monitor"], (each.name for each in fields(Options)))
    if not top["name"] and "name" not in given:
        faults.add("name", "is missing; give the ladder a name")
    builder = _builder(given, faults)
    law = _law(given.get("law"), faults)
    cells = _cells(given, top, builder, faults)
    _same_name(cells, faults)
    faults.raised()
    top["experiment"] = top["experiment"] or top["name"]
    top["folder"] = (top["folder"] or f"ladders/{top['name']}").rstrip("/")
    top["early"] = top["noise"] if top["early"] is True else top["early"] or None
    return Design(builder=str(given["builder"]), cells=tuple(cells), law=law, document=given, **top)


def _document(source: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(source, Mapping):
        return dict(source)
    try:
        import yaml
    except ImportError:
        raise ValueError("a design file is YAML: pip install 'lightning-scaling[files]', or give a JSON-like dict in Python") from None
    try:
        text = Path(source).read_text(encoding="utf-8")
        found, twice = yaml.safe_load(text), _twice(yaml.compose(text, yaml.SafeLoader))
    except UnicodeDecodeError:
        raise DesignFaults([f"{source}: this is no text: a design is a YAML file in UTF-8"]) from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" line {where.line + 1}" if where else ""
        raise DesignFaults([f"{source}{line}: this is no YAML: {getattr(error, 'problem', error)}"]) from None
    if twice:
        raise DesignFaults([f"{source} line {line}: {key} is given twice; leave one out" for key, line in twice])
    if not isinstance(found, dict):
        what = "nothing" if found is None else "a list" if isinstance(found, list) else "a single value"
        raise DesignFaults([f"{source}: a design is a table of keys, found {what}"])
    return found


def _twice(node: Any) -> list[tuple[str, int]]:
    """Keys that a table of the document holds twice, and the line of the second: YAML's reader would keep that one without a word."""
    if node is None or isinstance(node.value, str):
        return []
    pairs = node.id == "mapping"
    keys = [key.value for key, _ in node.value] if pairs else []
    own = [(str(key.value), key.start_mark.line + 1) for i, (key, _) in enumerate(node.value) if key.value in keys[:i]] if pairs else []
    return own + [found for child in node.value for found in _twice(child[1] if pairs else child)]


def _field(given: Mapping[str, Any], name: str, faults: Faults) -> Any:
    read, wanted, default = FIELDS[name]
    return default if given.get(name) is None else faults.read(name, given[name], read, wanted, default)


def _builder(given: Mapping[str, Any], faults: Faults) -> Builder | None:
    if not isinstance(given.get("builder"), str):
        what = "is missing; give" if given.get("builder") is None else "must be"
        got = "" if given.get("builder") is None else f", got {given['builder']!r}"
        faults.add("builder", f"{what} the import path of a function, such as my_package.models:build{got}")
        return None
    try:
        return load_builder(given["builder"])
    except ValueError as error:
        faults.add("builder", str(error))
        return None


def _law(given: Any, faults: Faults) -> Any:
    if given is None:
        return None
    from lightning_scaling.ladder.quote import assumed_law

    try:
        assumed_law(given)
    except (ValueError, OSError, TypeError, KeyError) as error:
        faults.add("law", f"{' '.join(str(error).split())}")
    return given


def _cells(given: Mapping[str, Any], top: Mapping[str, Any], builder: Builder | None, faults: Faults) -> list[Cell]:
    blocks = given.get("cells")
    if not isinstance(blocks, list) or not blocks:
        faults.add("cells", f"must be a list of blocks, each with one of {', '.join(KINDS)}")
        return []
    common = {name: given[name] for name in COMMON if name in given}
    common.setdefault("family", top["name"] or "ladder")
    about = _about(given, top, builder, faults)
    found = []
    for i, block in enumerate(blocks, 1):
        if not isinstance(block, Mapping):
            faults.add(f"cells[{i}]", f"must be a table with one of {', '.join(KINDS)}, got {block!r}")
            continue
        found += read_block(f"cells[{i}]", {**common, **block}, block, builder, dict(top["arguments"]), about, faults)
    return with_branches("cells", found, faults)


def _about(given: Mapping[str, Any], top: Mapping[str, Any], builder: Builder | None, faults: Faults) -> list[Any]:
    """What decides the numbers of every cell."""
    fingerprint = getattr(builder, "fingerprint", None)
    try:
        if builder is not None:
            _taken(builder, top["arguments"], faults)
        data = fingerprint(**top["arguments"]) if fingerprint else ""
    except (ValueError, TypeError, OSError) as error:
        faults.add("arguments", " ".join(str(error).split()))
        data = ""
    return [given.get("builder"), top["arguments"], top["monitor"], top["trainer"], data]


def _taken(builder: Builder, arguments: Mapping[str, Any], faults: Faults) -> None:
    """A fault for each argument that the builder does not take."""
    known = inspect.signature(builder).parameters
    if not any(each.kind is each.VAR_KEYWORD for each in known.values()):
        faults.unknown("arguments", arguments, list(known)[1:])


def _same_name(cells: list[Cell], faults: Faults) -> None:
    seen: dict[str, str] = {}
    for cell in cells:
        if cell.id in seen:
            faults.add("cells", f"{cell.name} is listed twice; give one of them another seed or leave it out")
        seen[cell.id] = cell.name


def design_path(given: str) -> Path:
    """The file at this path, else the bundled design of this name.

    Raises:
        ValueError: neither is there.
    """
    path = Path(given)
    if path.is_file():
        return path
    bundled = FOLDER / f"{given}.yaml"
    if bundled.parent == FOLDER and bundled.is_file():
        return bundled
    names = ", ".join(sorted(file.stem for file in FOLDER.glob("*.yaml")))
    raise ValueError(f"no design file at {given}; give a YAML file, or the name of a bundled design: {names}")
