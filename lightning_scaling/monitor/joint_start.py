"""Starting on every process of a training or on none of them: one that could not start must not leave the others waiting."""

from collections.abc import Callable

from lightning_scaling.monitor.guard import Guard
from lightning_scaling.monitor.ranks import Ranks

FAILED, MISCONFIGURED = 1, 2


def start_together(ranks: Ranks, do: Callable[[], None], guard: Guard) -> bool:
    """`do()` on every rank; False, with one warning, where one of them failed: the training is then not monitored. Collective.

    Raises:
        ValueError: an error of configuration, on every rank.

    >>> start_together(Ranks(), lambda: None, Guard())
    True
    """
    error: Exception | None = None
    try:
        do()
    except Exception as found:
        error = found
    trouble = ranks.worst(0 if error is None else MISCONFIGURED if isinstance(error, ValueError) else FAILED)
    if trouble == MISCONFIGURED:
        raise error if isinstance(error, ValueError) else ValueError("the monitor of another rank was refused: see its error")
    if trouble == FAILED:
        guard.warn("start", f"this training is not monitored: {error or 'another rank could not start'}")
    return not trouble
