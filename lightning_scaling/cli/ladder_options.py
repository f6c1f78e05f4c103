"""The design and the engine that the options of `ladder` ask for: a file with changes, or flags alone."""

from collections.abc import Iterable
from typing import Any

from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.design_file import design_path, read_design
from lightning_scaling.ladder.faults import DesignFaults


def chosen(
    design: str | None = None,
    changes: Iterable[str] = (),
    builder: str | None = None,
    kind: str | None = None,
    sizes: Iterable[str] = (),
) -> Design:
    """The design.

    Raises:
        DesignFaults: what is wrong with it, all at once (a ValueError).
        ValueError: neither a file nor flags.
    """
    given = _pairs("--set", changes)
    if design is not None:
        if builder or kind or tuple(sizes):
            raise ValueError("--builder, --kind and --size make a design of their own: give them or a design file")
        return read_design(design_path(design), given)
    if not (builder and kind and tuple(sizes)):
        raise ValueError("give a design file, or --builder, --kind and --size")
    block = {**_pairs("--kind", [kind]), "sizes": [_value("--size", size) for size in sizes]}
    return read_design({"name": "ladder", **given, "builder": builder, "cells": [block]})


def _pairs(option: str, texts: Iterable[str]) -> dict[str, Any]:
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{option} needs KEY=VALUE, got {text!r}")
        found[key.strip()] = _value(f"{option} {key}", value)
    return found


def _value(place: str, text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise ValueError("values of a design are YAML: pip install 'lightning-scaling[files]'") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise DesignFaults([f"{place}: this is no YAML: {text!r}"]) from None


def engine_options(given: dict[str, Any]) -> dict[str, Any]:
    """What the chosen engine takes.

    Raises:
        ValueError: an option of another engine.
    """
    own = {"ray": ("address", "gpus"), "slurm": ("gpus", "partition", "minutes", "slurm_executor"), "local": ()}[given["engine"]]
    if given["lanes"] and given["engine"] != "local":
        raise ValueError(f"--lanes is not for --engine {given['engine']}: the cluster decides how many cells run at a time")
    for name in ("address", "gpus", "partition", "minutes", "slurm_executor"):
        if given[name] and name not in own:
            raise ValueError(f"--{name.replace('_', '-')} is not for --engine {given['engine']}")
    return {name: given[name] for name in own if given[name]}
