"""A design: which cells are trained, how they are built, and where their runs and checkpoints go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lightning_scaling.ladder.cell import Cell, Chain, chains


@dataclass(frozen=True)
class Design:
    """A ladder to be trained.

    Args:
        name: of the ladder.
        builder: import path of the function that builds a cell.
        cells: in the order in which they are listed.
        arguments: passed to the builder.
        store: MLflow tracking URI or folder of the runs; None for MLFLOW_TRACKING_URI, else `mlflow.db` in the current folder.
        experiment: in which the store keeps the runs.
        folder: of checkpoints, any address of fsspec.
        cores: of each cell.
        retries: further attempts at a cell that failed.
        checkpoint_seconds: between two checkpoints of a cell.
        monitor: options of the monitor (`monitor`, `tokenizer`, `tokens`, …).
        trainer: arguments of the Trainer beside the builder's.
        law: name of a published law, file of a fitted one, or its five constants: what the runs are expected to show.
        noise: expected relative scatter of a final loss.
        early: relative standard deviation of its end from which a cell counts as settled and is ended; None: none is ended so.
        document: what it was read from.
    """

    name: str
    builder: str
    cells: tuple[Cell, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    store: str | None = None
    experiment: str = "ladder"
    folder: str = "ladder"
    cores: int = 1
    retries: int = 1
    checkpoint_seconds: float = 60.0
    monitor: Mapping[str, Any] = field(default_factory=dict)
    trainer: Mapping[str, Any] = field(default_factory=dict)
    law: Any = None
    noise: float = 0.005
    early: float | None = None
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def chains(self) -> list[Chain]:
        """What one process each trains, those that are likely to take longest first.

        With early decisions the cheapest first: what they show is what the others are judged by.
        """
        found = chains(self.cells)
        return found if self.early is None else found[::-1]

    @property
    def flops(self) -> int:
        """6·N·D of all cells, each by its whole path."""
        return sum(cell.flops for cell in self.cells)

    @property
    def computed_flops(self) -> int:
        """6·N·D that is computed: shared parts once."""
        return sum(cell.computed_flops for cell in self.cells)

    def checkpoint(self, cell: Cell) -> str:
        """Where an interrupted cell resumes."""
        return f"{self.folder}/checkpoints/{cell.id}.ckpt"

    def branch(self, cell: Cell, step: int) -> str:
        """What the branches of a trunk at this step start from."""
        return f"{self.folder}/checkpoints/{cell.trunk}-{step}.ckpt"
