"""Which number is the loss: the monitored validation metric or, where a training has no validation, its smoothed training loss."""

import re
from collections.abc import Callable, Iterable
from typing import Any

DEFAULT = "val_loss"
TRAINING = "train_loss"
USUAL = ("val_loss", "valid_loss", "validation_loss", "loss_val", "eval_loss", "dev_loss", "loss_validation")
NOT_LOSSES = {
    "accuracy": re.compile(r"(^|_)(acc|accuracy|top1|top5|f1|auc|auroc|map|bleu|rouge|iou|r2|precision|recall|psnr|ssim)(_|$)"),
    "perplexity": re.compile(r"(^|_)(ppl|perplexity|perp)(_|$)"),
}


def plain(name: str) -> str:
    """A metric's name without separators and without Lightning's suffix for the mean over an epoch.

    >>> plain("Val/Loss_epoch"), plain("val.loss")
    ('val_loss', 'val_loss')
    """
    return re.sub(r"[\W_]+", "_", name.lower()).strip("_").removesuffix("_epoch")


def resolve(wanted: str, logged: Iterable[str]) -> str | None:
    """The metric that `wanted` means among those logged: itself, its mean over the epoch, or the same name with other separators; for the
    default name also another usual one, or the only validation loss there is.

    >>> resolve("val_loss", ["train_loss", "val/loss", "val/loss_step", "val/loss_epoch", "val/loss_kl"])
    'val/loss'
    >>> resolve("val_loss", ["val_loss/dataloader_idx_0", "val_loss/dataloader_idx_1"])
    >>> resolve("valid", ["val/loss"])
    """
    names = [n for n in logged if not n.endswith("_step")]
    for candidates in (
        [n for n in names if n == wanted],
        [n for n in names if plain(n) == plain(wanted)],
        *([[n for n in names if plain(n) == usual] for usual in USUAL] if wanted == DEFAULT else []),
    ):
        if candidates:
            return min(candidates, key=len)
    close = [n for n in names if wanted == DEFAULT and _is_validation_loss(n)]
    return close[0] if len(close) == 1 else None


def _is_validation_loss(name: str) -> bool:
    low = name.lower()
    return "loss" in low and ("val" in low or "eval" in low)


def misnamed(wanted: str, logged: Iterable[str]) -> bool:
    """Whether `wanted` is plainly another name than the validation loss that was logged: a clear error rather than a wait for it."""
    names = list(logged)
    related = any(plain(wanted) in plain(n) or plain(n) in plain(wanted) for n in names)
    return wanted != DEFAULT and resolve(wanted, names) is None and any(map(_is_validation_loss, names)) and not related


def missing(wanted: str, logged: Iterable[str]) -> str:
    """The sentence for a metric that validation did not log."""
    names = ", ".join(repr(n) for n in sorted(logged))
    found = f"no {wanted!r} but {names}: name the loss to follow with monitor=..., or" if names else f"nothing, so no {wanted!r}:"
    return f"the validation logged {found} log it in validation_step"


def kind_of(name: str) -> str | None:
    """ "accuracy" or "perplexity" for a metric that is no loss by its name, else None.

    >>> kind_of("val/top1_acc"), kind_of("val_ppl"), kind_of("val_loss")
    ('accuracy', 'perplexity', None)
    """
    return next((kind for kind, pattern in NOT_LOSSES.items() if pattern.search(plain(name))), None)


class TrainingLoss:
    """Mean training loss between two readings, summed on the device.

    A step only keeps its loss; they are added up 256 at a time, since an addition of two numbers takes a tenth of what adding 256 does.

    Args:
        copy: whether a loss may change after its step. Lightning hands over a copy under automatic optimisation, else the tensor itself.
        divided: by what the losses of now are divided, as Lightning does with the number of batches it accumulates.

    >>> losses = TrainingLoss()
    >>> for loss in (3.0, 2.0):
    ...     losses.add(loss)
    >>> losses.read(), losses.read()
    (2.5, nan)
    """

    MOST = 256

    def __init__(self, copy: bool = False, divided: Callable[[], int] = lambda: 1) -> None:
        self._copy, self._divided = copy, divided
        self._new: list[Any] = []
        self._sum: Any = None
        self._summed = 0
        self.seen = False  # whether any step returned a loss

    def add(self, loss: Any) -> None:
        """Keep the loss of one batch: a tensor, a float, or None where there is none."""
        if loss is None:
            return
        self.seen = True
        self._new.append(loss.detach().clone() if self._copy and hasattr(loss, "detach") else loss)
        if len(self._new) >= self.MOST:
            self.settle()

    def settle(self) -> None:
        """Add up what was kept; call before the division changes."""
        if self._new:
            total = _sum(self._new) * self._divided()
            self._sum = total if self._sum is None else self._sum + total
            self._summed += len(self._new)
            self._new = []

    def read(self) -> float:
        """The mean since the last reading, NaN where no loss was seen. Waits for the device."""
        self.settle()
        mean = float(self._sum) / self._summed if self._summed else float("nan")
        self._sum, self._summed = None, 0
        return mean


class Cadence:
    """When the training loss is read, which waits for the device: every ten batches at first, then at counts that grow by 2 %.

    A run of a million batches is read 430 times. It depends on the number of batches alone, so that all ranks read together.

    >>> cadence = Cadence()
    >>> [n for n in range(1, 1041) if cadence.due()][:3], cadence.due()
    ([10, 20, 30], False)
    """

    FIRST = 10
    GROWTH = 1.02

    def __init__(self) -> None:
        self._batches = self._read_at = 0
        self._next = self.FIRST

    def due(self) -> bool:
        """Count one batch; True where a reading is due after it."""
        self._batches += 1
        return self._batches >= self._next and self.read()

    def read(self) -> bool:
        """Take a reading now; False where nothing was trained since the last one."""
        new = self._batches > self._read_at
        self._read_at = self._batches
        self._next = max(self._batches + self.FIRST, int(self._batches * self.GROWTH))
        return new


def of_outputs(outputs: Any) -> Any:
    """The loss in what a training step returned: a tensor, or the entry "loss" of a dict; None where there is none."""
    loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
    return loss if hasattr(loss, "detach") else None


def _sum(losses: list[Any]) -> Any:
    if not hasattr(losses[0], "detach"):
        return sum(map(float, losses))
    import torch

    return torch.stack(losses).detach().sum(dtype=torch.float32)
