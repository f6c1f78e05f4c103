"""What early decisions saved, what that is spent on, and what they cost in certainty against the plain design."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lightning_scaling.ladder.block_reading import COMMON
from lightning_scaling.ladder.builder import load_builder
from lightning_scaling.ladder.cell import Cell
from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.design_file import read_design
from lightning_scaling.ladder.quote import MORE, Expected, expected
from lightning_scaling.ladder.run_folder import exists, open_folder
from lightning_scaling.laws.design.next_runs import next_runs
from lightning_scaling.laws.runs_fit import RunsFit, fit_runs
from lightning_scaling.laws.surface.surface import CONSTANTS
from lightning_scaling.run.early_end import EarlyEnd, early_end
from lightning_scaling.run.record import RunRecord
from lightning_scaling.units import training_flops

ADDED = "added.json"
MOST_RUNS = 4
MOST_MULTIPLES = 10_000
LABEL = "added"  # beside the name of a run that the law asked for


@dataclass(frozen=True)
class Stopped:
    """A cell that was ended early, at `tokens` of those that it was to see."""

    cell: Cell
    tokens: int
    end: EarlyEnd

    @property
    def saved_tokens(self) -> int:
        """Not trained on."""
        return self.cell.tokens - self.tokens

    @property
    def saved_flops(self) -> int:
        """Not computed."""
        return int(training_flops(self.cell.params, self.saved_tokens))

    @property
    def weight(self) -> float:
        """What it counts in the law, where a finished cell counts 1."""
        return 1 / (1 + (self.end.spread / self.end.needs) ** 2) if self.end.as_forecast else float(self.end.as_it_is)


@dataclass(frozen=True)
class Account:
    """What early decisions of a ladder saved and cost.

    Args:
        stopped: cells that were ended early.
        added: cells that were trained, or are to be, on what was saved.
        plain: expected standard errors of the design with every cell trained to its end, by the law that the design assumes, else by the
            one that its runs gave.
        ended: the same with the cells as they ended; spent: with the added cells too.
    """

    stopped: tuple[Stopped, ...]
    added: tuple[Cell, ...]
    plain: Expected
    ended: Expected
    spent: Expected

    @property
    def saved_tokens(self) -> int:
        """Of all cells."""
        return sum(each.saved_tokens for each in self.stopped)

    @property
    def saved_flops(self) -> int:
        """Of all cells."""
        return sum(each.saved_flops for each in self.stopped)

    @property
    def added_flops(self) -> int:
        """Of the runs that the law asked for."""
        return sum(cell.computed_flops for cell in self.added)


def stopped_early(design: Design, records: Mapping[str, RunRecord]) -> tuple[Stopped, ...]:
    """The cells that were ended early, in the order of the design."""
    found = ((cell, records[cell.id]) for cell in design.cells if cell.id in records)
    return tuple(Stopped(cell, record.tokens_trained, end) for cell, record in found if (end := early_end(record)) is not None)


def account(design: Design, records: Mapping[str, RunRecord]) -> Account:
    """What early decisions of this ladder saved and cost.

    Args:
        design: with the cells that were added, if there are any.
        records: of its finished cells, by id.
    """
    stopped = stopped_early(design, records)
    added = tuple(cell for cell in design.cells if _is_added(cell))
    main = [cell for cell in design.cells if cell.family == design.cells[0].family]
    planned = [cell for cell in main if not _is_added(cell)]
    weights = {each.cell.id: each.weight for each in stopped}
    found = None if design.law else _law(fitted(design, records))
    law = design.law or found
    at = MORE * max(cell.flops for cell in planned)  # N* is asked for at one compute, whatever was added
    plain = expected(planned, law, design.noise, flops=at)
    ended, spent = (expected(some, law, design.noise, [weights.get(cell.id, 1.0) for cell in some], at) for some in (planned, main))
    errors = (plain, ended, spent) if found is None else (replace(each, law="the law of its runs") for each in (plain, ended, spent))
    return Account(stopped, added, *errors)


def fitted(design: Design, records: Mapping[str, RunRecord]) -> RunsFit:
    """The law of the design's first family, as its finished and settled cells give it."""
    family = design.cells[0].family
    return fit_runs([r for r in records.values() if r.family == family], resamples=0)


def _law(found: RunsFit) -> dict[str, float] | None:
    """Constants for the optimal-design code, where the runs give any that are positive."""
    constants = {name: float(getattr(found.surface, name)) for name in CONSTANTS}
    return constants if all(0 < value < math.inf for value in constants.values()) else None


def to_add(design: Design, records: Mapping[str, RunRecord]) -> list[dict[str, Any]]:
    """What the law asks for next, for the compute that was saved: blocks of a design; none where nothing was saved or no law is known."""
    budget = float(sum(each.saved_flops for each in stopped_early(design, records)))
    found = fitted(design, records)
    if not budget or not found.usable:
        return []
    cells = [cell for cell in design.cells if cell.family == design.cells[0].family]
    smallest = float(min(cell.params for cell in cells)), float(min(cell.tokens for cell in cells))
    try:
        runs = next_runs(found.surface, budget, MORE * max(float(cell.flops) for cell in cells), MOST_RUNS, smallest).runs
    except ValueError:
        return []  # less was saved than the smallest useful run costs
    first, block = design.cells[0], design.document["cells"][0]  # what is added is trained by the rules of the first block
    kept = {name: value for name, value in block.items() if name in COMMON and name not in ("sizes", "branches")}
    # The size that can be made is not quite the one asked for: the compute stays.
    listed = [{**size_near(design, run.params), "flops": float(run.flops)} for run in runs]
    return [{**kept, "branches": False, "seeds": first.seed, "family": first.family, "label": LABEL, "runs": listed}]


def size_near(design: Design, params: float) -> dict[str, Any]:
    """The size that is nearest to N among those that the builder can make like the first family's, as a design writes it.

    Where the sizes differ in one whole number (a width, say) that the builder can count, its other multiples are sizes too.
    """
    cells = [cell for cell in design.cells if cell.family == design.cells[0].family]
    if not cells[0].size:
        return {"params": round(params)}
    near = min(cells, key=lambda cell: abs(math.log(cell.params / params)))
    count = getattr(load_builder(design.builder), "params_of", None)
    if count is None:
        return {**near.size, "params": near.params}
    varied = [name for name in near.size if len({cell.size.get(name) for cell in cells}) > 1]
    values = [value for cell in cells if isinstance(value := cell.size.get(varied[0]), int)] if len(varied) == 1 else []
    if len(values) < len(cells):
        return dict(near.size)
    return _multiple(dict(near.size), varied[0], math.gcd(*values), params, lambda size: count(size, **design.arguments))


def _multiple(size: dict[str, Any], name: str, step: int, params: float, count: Callable[[dict[str, Any]], int]) -> dict[str, Any]:
    """The size, with the multiple of `step` as `name` that is nearest to N."""
    best, found = dict(size), abs(math.log(count(size) / params))
    for times in range(1, MOST_MULTIPLES):
        tried = {**size, name: step * times}
        off = math.log(count(tried) / params)
        if abs(off) < found:
            best, found = tried, abs(off)
        if off > 0:
            break
    return best


def add(design: Design, blocks: Sequence[Mapping[str, Any]]) -> Design:
    """The design with these blocks, which are kept in its run folder."""
    system, path = open_folder(f"{design.folder}/{ADDED}")
    system.makedirs(system._parent(path), exist_ok=True)
    system.pipe_file(path, json.dumps(list(blocks)).encode())
    return with_added(design)


def with_added(design: Design) -> Design:
    """The design with what was added to it by an earlier run, if anything was."""
    if not exists(address := f"{design.folder}/{ADDED}"):
        return design
    system, path = open_folder(address)
    blocks = json.loads(system.cat_file(path))
    made = read_design({**design.document, "cells": [*design.document["cells"], *blocks]})
    return replace(made, document=design.document)


def _is_added(cell: Cell) -> bool:
    return cell.name.endswith(f" {LABEL}")
