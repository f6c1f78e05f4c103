"""Which number is the loss: the monitored validation metric or, where a training has no validation, its smoothed training loss."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch

DEFAULT = "val_loss"


def resolve(wanted: str, logged: Iterable[str]) -> str | None:
    """The metric that `wanted` means among those logged: itself; for the default name also the only other validation loss.

    >>> resolve("val_loss", ["train_loss", "val/loss", "val/accuracy"])
    'val/loss'
    >>> resolve("val_loss", ["val_loss/dataloader_idx_0", "val_loss/dataloader_idx_1"])
    >>> resolve("valid", ["val/loss"])
    """
    names = list(logged)
    if wanted in names:
        return wanted
    close = [n for n in names if wanted == DEFAULT and _is_validation_loss(n)]
    return close[0] if len(close) == 1 else None


def _is_validation_loss(name: str) -> bool:
    low = name.lower()
    return "val" in low and "loss" in low


def missing(wanted: str, logged: Iterable[str]) -> str:
    """The sentence for a metric that validation did not log."""
    names = ", ".join(repr(n) for n in sorted(logged)) or "nothing"
    return f"the validation logged no {wanted!r} but {names}: name the loss to follow with monitor=..., or log it in validation_step"


class TrainingLoss:
    """Mean training loss between two readings, summed on the device and read only at steps that grow by 2 %.

    A reading synchronises the device; at 2 % a run of a million steps is read 430 times.
    """

    FIRST = 10
    GROWTH = 1.02

    def __init__(self) -> None:
        self._sum: Any = None
        self._count = 0
        self._next = self.FIRST

    def add(self, outputs: Any) -> None:
        """The loss of one batch as `training_step` returned it: one addition on its device."""
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if not isinstance(loss, torch.Tensor):
            return
        if self._sum is None:
            self._sum = torch.zeros((), dtype=torch.float32, device=loss.device)
        self._sum += loss.detach()
        self._count += 1

    @property
    def seen(self) -> int:
        """Losses since the last reading."""
        return self._count

    def due(self, step: int) -> bool:
        """True when enough steps have passed for another point."""
        return step >= self._next and self._count > 0

    def read(self, step: int, scale: int = 1) -> float:
        """The mean since the last reading, NaN where no loss was seen; `scale` undoes Lightning's division by the accumulated batches."""
        mean = float(self._sum) * scale / self._count if self._count else float("nan")
        self._sum, self._count = None, 0
        self._next = max(step + self.FIRST, int(step * self.GROWTH))
        return mean
