"""How a run was counted.

A number means nothing without its convention, so it is kept with the run, and two runs are compared before they enter one fit.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Conventions:
    """Args:
    params: which weights N counts: "total", "non_embedding" or "given".
    flops: the FLOPs rule: "6N", "6N+attention", "measured" or "given".
    loss: the monitored loss and its unit, e.g. "val_loss [nats/token]".
    tokenizer: what a token is, e.g. "bytes"; losses per token of different tokenizers are never compared.
    weights: the weights whose loss is followed: "raw", or "averaged" where an average of recent weights is validated.
    """

    params: str = "total"
    flops: str = "6N"
    loss: str = "val_loss"
    tokenizer: str | None = None
    weights: str = "raw"

    def differences(self, other: "Conventions") -> list[str]:
        """The fields in which two runs differ, each as 'params: total against non_embedding'."""
        mine, theirs = asdict(self), asdict(other)
        return [f"{k}: {mine[k]} against {theirs[k]}" for k in mine if mine[k] != theirs[k]]


def require_same(conventions: Iterable[Conventions]) -> Conventions | None:
    """The one convention that all share; ValueError names the first difference. None for no runs at all."""
    first: Conventions | None = None
    for each in conventions:
        first = first or each
        if unlike := first.differences(each):
            raise ValueError(f"runs counted by different conventions cannot enter one fit ({'; '.join(unlike)}); fit them apart")
    return first
