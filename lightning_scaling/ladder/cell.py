"""One training of a ladder: how large, how long, by which learning rates, and of which trunk it is a branch."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lightning_scaling.units import training_flops

SHAPES = ("wsd", "cosine", "linear", "constant")


@dataclass(frozen=True)
class Shape:
    """How the learning rate rises and falls over a training, as a share of its peak.

    Args:
        shape: one of `SHAPES`; "wsd" is constant and falls in a line over the last share `decay` of the steps (Hägele et al. 2024).
        warmup: steps of a linear rise; below 1 a share of all steps.
        decay: share of the steps over which "wsd" falls.
        end: share of the peak at the last step.
    """

    shape: str = "cosine"
    warmup: float = 0.03
    decay: float = 0.2
    end: float = 0.05

    def decay_start(self, steps: int) -> int:
        """The step at which "wsd" leaves its peak: a branch leaves its trunk there."""
        return round((1 - self.decay) * steps)

    def share(self, step: int, steps: int) -> float:
        """Share of the peak at `step`, the first being 0.

        >>> wsd = Shape("wsd", warmup=10, decay=0.2, end=0.02)
        >>> [round(wsd.share(step, 100), 3) for step in (0, 9, 50, 79, 80, 99)]
        [0.1, 1.0, 1.0, 1.0, 0.951, 0.02]
        """
        rise = max(1, round(self.warmup if self.warmup >= 1 else self.warmup * steps))
        if step < rise:
            return (step + 1) / rise
        if self.shape == "constant":
            return 1.0
        start = self.decay_start(steps) if self.shape == "wsd" else rise
        along = min(1.0, max(0.0, (step + 1 - start) / max(1, steps - start)))
        return 1 - (1 - self.end) * ((1 - math.cos(math.pi * along)) / 2 if self.shape == "cosine" else along)


@dataclass(frozen=True)
class Cell:
    """One training of a ladder.

    Args:
        id: twelve hex digits that tell it from every other; the run's key in the store.
        name: of the run.
        params: N.
        steps, batch_tokens: optimiser steps, and tokens of each.
        size, hyper: what the builder makes a model from, and how it is trained.
        schedule: of the learning rate.
        evaluations: validations over the whole run, evenly spaced, the last one at the end.
        family: of the runs that are compared.
        trunk: name of the process chain; cells of one trunk share what they have in common.
        branch_step: the step at which it leaves its trunk; 0 for one that is trained from the start.
        stop: verdicts that may end it early.
    """

    id: str
    name: str
    params: int
    steps: int
    batch_tokens: int
    size: Mapping[str, Any] = field(default_factory=dict)
    hyper: Mapping[str, Any] = field(default_factory=dict)
    schedule: Shape = field(default_factory=Shape)
    seed: int = 0
    evaluations: int = 24
    unique_tokens: int | None = None
    family: str = ""
    trunk: str = ""
    branch_step: int = 0
    stop: tuple[str, ...] = ()

    @property
    def tokens(self) -> int:
        """Trained on its whole path, the shared part included."""
        return self.steps * self.batch_tokens

    @property
    def flops(self) -> int:
        """6·N·D of its whole path."""
        return int(training_flops(self.params, self.tokens))

    @property
    def computed_flops(self) -> int:
        """6·N·D of what is computed for it alone."""
        return int(training_flops(self.params, (self.steps - self.branch_step) * self.batch_tokens))

    @property
    def validate_every(self) -> int:
        """Steps between two validations."""
        return max(1, self.steps // self.evaluations)

    def lr_share(self, step: int) -> float:
        """Share of the peak learning rate at `step`: what a `LambdaLR` takes."""
        return self.schedule.share(step, self.steps)


def digest(what: Any) -> str:
    """Twelve hex digits of anything that JSON can write."""
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:12]


def identity(about: Any, **cell: Any) -> str:
    """The id of a cell: of all that decides its numbers, and of the family it is compared in."""
    return digest([about, {name: asdict(value) if isinstance(value, Shape) else value for name, value in cell.items()}])


@dataclass(frozen=True)
class Chain:
    """Cells that one process trains one after the other: a trunk, which is the longest cell, then its branches."""

    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        """The trunk's."""
        return self.cells[0].trunk

    @property
    def branch_steps(self) -> tuple[int, ...]:
        """Steps of the trunk at which a branch leaves."""
        return tuple(sorted({cell.branch_step for cell in self.cells if cell.branch_step}))

    @property
    def computed_flops(self) -> int:
        """What is computed."""
        return sum(cell.computed_flops for cell in self.cells)

    @property
    def computed_steps(self) -> int:
        """Optimiser steps that are computed."""
        return sum(cell.steps - cell.branch_step for cell in self.cells)


def chains(cells: Iterable[Cell]) -> list[Chain]:
    """The process chains of cells, those that are likely to take longest first, so that none is left alone at the end.

    A step costs a fixed part and a part that grows with its FLOPs: a chain counts by its share of all steps and its share of all FLOPs.
    """
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.trunk or cell.id, []).append(cell)
    each = [Chain(tuple(sorted(members, key=lambda cell: (cell.branch_step > 0, -cell.steps)))) for members in found.values()]
    steps, flops = sum(chain.computed_steps for chain in each), sum(chain.computed_flops for chain in each)
    return sorted(each, key=lambda chain: -(chain.computed_steps / steps + chain.computed_flops / flops))
