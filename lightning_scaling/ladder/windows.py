"""Batches of text windows in an order that depends on seed and step alone, so that a resumed run sees what an uninterrupted one would."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

Batch = tuple[Tensor, Tensor]


class TrainingWindows:
    """A loader of `steps` batches of (input, next byte), each (windows, context); passes over the text are shuffled anew.

    It keeps its place in Lightning's checkpoints (`state_dict`), so that training continues with the next batch.
    """

    def __init__(self, text: bytes, context: int, windows: int, steps: int, seed: int = 0) -> None:
        self.text = as_tensor(text)
        self.context, self.windows, self.steps, self.seed = context, windows, steps, seed
        self.done = 0

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Batch]:
        order, held = torch.empty(0, dtype=torch.long), -1
        for step in range(self.done, self.steps):
            self.done = step + 1
            rows = []
            for position in range(step * self.windows, (step + 1) * self.windows):
                turn, place = divmod(position, self.per_pass)
                if turn != held:
                    order, held = self.order(turn), turn
                rows.append(self.window(int(order[place])))
            yield tuple(torch.stack(side) for side in zip(*rows, strict=True))  # type: ignore[misc]
        self.done = 0

    @property
    def per_pass(self) -> int:
        """Windows in one pass over the text."""
        return (len(self.text) - 1) // self.context

    def order(self, turn: int) -> Tensor:
        return torch.randperm(self.per_pass, generator=torch.Generator().manual_seed(1_000_003 * self.seed + turn))

    def window(self, index: int) -> Batch:
        start = index * self.context
        piece = self.text[start : start + self.context + 1].long()
        return piece[:-1], piece[1:]

    def state_dict(self) -> dict[str, int]:
        return {"done": self.done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.done = state["done"]


def validation_batches(text: bytes, context: int, windows: int, rows: int = 32) -> "DataLoader[Batch]":
    """The same windows for every cell and every validation, spread evenly over the text: their choice adds no noise between two losses."""
    held = as_tensor(text)
    starts = torch.linspace(0, len(held) - context - 1, windows).long().tolist()
    pieces = torch.stack([held[s : s + context + 1].long() for s in starts])
    batches: Any = [(piece[:, :-1], piece[:, 1:]) for piece in torch.split(pieces, rows)]
    return DataLoader(batches, batch_size=None)


def as_tensor(text: bytes) -> Tensor:
    return torch.frombuffer(bytearray(text), dtype=torch.uint8)
