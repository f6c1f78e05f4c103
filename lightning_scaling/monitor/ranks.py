"""The processes of one distributed training: one sum at a validation, one decision, and nothing in a step.

Counts stay on their rank until a validation or a checkpoint: a reduction of one scalar costs .65 ms on gloo. Every rank must make the same
calls, or the others wait for ever; so a hook states what it owes, and what an error kept it from calling is called for it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.monitor.guard import Guard

Reduce = Callable[[Floats], Floats]
Broadcast = Callable[[bool], bool]
FAILED, MISCONFIGURED = 1, 2


class Ranks:
    """One process alone, or one of several.

    Args:
        world: number of processes.
        is_first: True on the rank that logs.
        copies: processes that see the same batch (tensor parallelism): world over data-parallel replicas.
        reduce: (n,) float64 to its elementwise sum over all processes. Collective.
        broadcast: rank 0's bool to all. Collective.

    >>> Ranks().exchange([3, 4], 2.5)
    (None, 2.5)
    """

    def __init__(
        self, world: int = 1, is_first: bool = True, copies: int = 1, reduce: Reduce | None = None, broadcast: Broadcast | None = None
    ) -> None:
        self.world, self.is_first, self.copies = world, is_first, copies
        self._reduce, self._broadcast = reduce, broadcast
        self._owed: list[Callable[[], object]] = []

    def exchange(self, counts: Sequence[int], loss: float | None = None) -> tuple[list[int] | None, float]:
        """Sum `counts` (each below 2^53 in sum) over data-parallel ranks and average `loss` over those that have one. Collective.

        Returns:
            The sums (None for one process alone, whose counts they are) and the mean loss, NaN where no rank has one.
        """
        self._owed = self._owed[1:]
        if self.world == 1 or self._reduce is None:
            return None, float("nan") if loss is None else float(loss)
        mine = [0.0, 0.0] if loss is None else [float(loss), 1.0]
        total = self._reduce(np.array([*counts, *mine], dtype=np.float64))
        mean = float(total[-2] / total[-1]) if total[-1] else float("nan")
        return [round(x) // self.copies for x in total[:-2].tolist()], mean

    def agree(self, decision: bool) -> bool:
        """Rank 0's decision, on every rank. Collective."""
        self._owed = self._owed[1:]
        return decision if self.world == 1 or self._broadcast is None else bool(self._broadcast(decision))

    def worst(self, trouble: int) -> int:
        """The worst trouble of any rank: 0 none, 1 a failure, 2 an error of configuration. Collective."""
        self._owed = self._owed[1:]
        if self.world == 1 or self._reduce is None:
            return trouble
        failed, misconfigured = self._reduce(np.array([trouble == 1, trouble == 2], dtype=np.float64))
        return 2 if misconfigured else 1 if failed else 0

    @contextmanager
    def owing(self, *calls: Callable[[], object]) -> Iterator[None]:
        """What is called inside counts as these collective calls, in this order; those an error prevented are made at the end."""
        self._owed = list(calls)
        try:
            yield
        finally:
            while self._owed:
                self._owed[0]()


def of_torch() -> Ranks:
    """The ranks of torch.distributed, as accelerate, Fabric and plain loops start it; one process alone where it is not started."""
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return Ranks()
    return Ranks(dist.get_world_size(), dist.get_rank() == 0, 1, _torch_sum, _torch_broadcast)


def _torch_sum(values: Floats) -> Floats:
    import torch
    import torch.distributed as dist

    tensor = torch.tensor(values, dtype=torch.float64, device=_device())
    dist.all_reduce(tensor)
    return np.asarray(tensor.cpu().numpy(), dtype=np.float64)


def _torch_broadcast(decision: bool) -> bool:
    import torch.distributed as dist

    kept = [decision]
    dist.broadcast_object_list(kept, src=0, device=_device())
    return kept[0]


def _device() -> Any:
    import torch
    import torch.distributed as dist

    return torch.device("cuda", torch.cuda.current_device()) if dist.get_backend() == "nccl" else torch.device("cpu")


def start_together(ranks: Ranks, do: Callable[[], None], guard: Guard) -> bool:
    """`do()` on every rank; False, with one warning, where one of them failed, as none may be left waiting. Collective.

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
