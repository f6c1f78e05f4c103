"""Which number is the loss: the monitored validation metric or, where a training has no validation, its smoothed training loss."""

from collections.abc import Callable, Iterable
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

    A step only keeps its loss; they are added up 256 at a time, since an addition of two numbers takes a tenth of what adding 256 does.
    A reading synchronises the device; at 2 % a run of a million steps is read 430 times.

    Args:
        copy: whether a loss may change after its step. Lightning hands over a copy under automatic optimisation, else the tensor itself.
        divided: tells by what the losses of now are divided, as Lightning does with the number of batches it accumulates.
    """

    FIRST = 10
    GROWTH = 1.02
    MOST = 256

    def __init__(self, copy: bool = False, divided: Callable[[], int] = lambda: 1) -> None:
        self._copy, self._divided = copy, divided
        self._new: list[torch.Tensor] = []
        self._sum: Any = None
        self._summed = 0
        self._next = self.FIRST
        self._enough = 1

    def add(self, outputs: Any) -> bool:
        """Keep the loss of one batch as a hook is handed it; True when it is time to ask whether a point is `due`."""
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if not isinstance(loss, torch.Tensor):
            return False
        self._new.append(loss.detach().clone() if self._copy else loss)
        return len(self._new) >= self._enough

    @property
    def seen(self) -> int:
        """Losses since the last reading."""
        return self._summed + len(self._new)

    def due(self, step: int) -> bool:
        """True when enough steps have passed for another point. Adds up what was kept where it is not."""
        if step >= self._next and self.seen:
            return True
        self.settle()
        self._enough = min(max(self._next - step, 1), self.MOST)
        return False

    def settle(self) -> None:
        """Add up what was kept; call before the division changes."""
        if self._new:
            total = torch.stack(self._new).detach().sum(dtype=torch.float32) * self._divided()
            self._sum = total if self._sum is None else self._sum + total
            self._summed += len(self._new)
            self._enough = max(self._enough - len(self._new), 1)
            self._new = []

    def read(self, step: int) -> float:
        """The mean since the last reading, NaN where no loss was seen."""
        self.settle()
        mean = float(self._sum) / self._summed if self._summed else float("nan")
        self._sum, self._summed = None, 0
        self._next = max(step + self.FIRST, int(step * self.GROWTH))
        self._enough = min(self._next - step, self.MOST)
        return mean
