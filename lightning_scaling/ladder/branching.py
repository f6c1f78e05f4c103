"""Cells that share a trunk: one run at a constant learning rate, decays branched off at several lengths (Hägele et al. 2024)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lightning_scaling.ladder.cell import Cell, digest
from lightning_scaling.ladder.faults import Faults

SHARED = "shared"  # the trunk of a cell that is to have one


def with_branches(place: str, cells: Iterable[Cell], faults: Faults) -> list[Cell]:
    """The cells, those of one size that are to share a trunk as branches of the longest.

    Each counts its whole path; what is shared is computed once.
    """
    every = list(cells)
    cells = [cell for cell in every if cell.trunk == SHARED]
    wrong = sorted({cell.schedule.shape for cell in cells if cell.schedule.shape != "wsd"})
    if wrong:
        faults.add(place, f"branches need a schedule of the shape wsd, got {wrong[0]}: only its rate is constant before the decay")
        return every
    kept: dict[str, Cell] = {}
    for group in _by_size(cells).values():
        longest = max(group, key=lambda cell: cell.steps)
        if any((cell.hyper, cell.batch_tokens) != (longest.hyper, longest.batch_tokens) for cell in group):
            faults.add(place, f"{longest.name}: hyper-parameters of branches may depend on the size, not on D or C")
        trunk = f"t{digest([longest.id])[:8]}"
        for cell in group:
            leaves = 0 if cell is longest else cell.schedule.decay_start(cell.steps)
            kept[cell.id] = replace(cell, trunk=trunk, branch_step=leaves)
    return [kept.get(cell.id, cell) for cell in every]


def _by_size(cells: Iterable[Cell]) -> dict[tuple[Any, ...], list[Cell]]:
    found: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        key = cell.params, tuple(sorted(cell.size.items())), cell.seed, cell.family, cell.schedule, cell.unique_tokens
        found.setdefault(key, []).append(cell)
    return found


def own_rates(trainer: Any) -> None:
    """The learning rate of the next step by the branch's own schedule: the checkpoint holds what the trunk's would have made it."""
    for config in trainer.lr_scheduler_configs:
        scheduler = config.scheduler
        if not hasattr(scheduler, "lr_lambdas"):
            continue
        for group, rule, base in zip(scheduler.optimizer.param_groups, scheduler.lr_lambdas, scheduler.base_lrs, strict=True):
            group["lr"] = base * rule(scheduler.last_epoch)


def as_branch(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """The checkpoint of a trunk as one to continue with another decay.

    A `LambdaLR` over an object saves what the object holds, the trunk's length with it; it is left out, so that the branch has its own.

    Raises:
        ValueError: the scheduler would keep the schedule of the trunk.
    """
    states = checkpoint.get("lr_schedulers", [])
    if any("lr_lambdas" not in state for state in states):
        raise ValueError("branches need a LambdaLR over cell.lr_share: the state of another scheduler holds the schedule of the trunk")
    cleared = [{**state, "lr_lambdas": [None] * len(state["lr_lambdas"])} for state in states]
    return {**checkpoint, "lr_schedulers": cleared}
