"""How long cells take: seconds of a step by its compute, interpolated between the steps that were measured."""

import heapq
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from lightning_scaling.ladder.cell import Cell, Chain


class StepTimes:
    """Seconds of a step.

    Between two measured steps in a straight line of log seconds over log FLOPs; a smaller step takes as long as the smallest measured one,
    a larger one longer in proportion.

    >>> step_times = StepTimes({1e6: 0.01, 1e8: 0.1})
    >>> [round(step_times.step(flops), 4) for flops in (1e5, 1e7, 1e9)]
    [0.01, 0.0316, 1.0]
    """

    def __init__(self, measured: Mapping[float, float]) -> None:
        known = sorted((flops, seconds) for flops, seconds in measured.items() if flops > 0 and seconds > 0)
        self.known = bool(known)
        self._x = np.log([flops for flops, _ in known])
        self._y = np.log([seconds for _, seconds in known])

    def step(self, flops: float) -> float:
        """Seconds of a step of so many FLOPs; NaN where nothing was measured."""
        if not self.known:
            return float("nan")
        beyond = max(0.0, np.log(flops) - self._x[-1])
        return float(np.exp(np.interp(np.log(flops), self._x, self._y) + beyond))

    def cell(self, cell: Cell, done: int = 0) -> float:
        """Seconds of what is left to compute of a cell after `done` steps."""
        return max(0, cell.steps - max(done, cell.branch_step)) * self.step(cell.flops / cell.steps)


def seconds_of(chains: Iterable[Chain], step_times: StepTimes, done: Mapping[str, int], lanes: int) -> float:
    """Until the last of the chains ends, `lanes` at a time, the largest first."""
    each = [sum(step_times.cell(cell, done.get(cell.id, 0)) for cell in chain.cells) for chain in chains]
    return makespan(each, lanes)


def makespan(seconds: Sequence[float], lanes: int) -> float:
    """When the last of several works ends that are begun in their order, `lanes` at a time.

    >>> makespan([3, 2, 2, 1], 2)
    4
    """
    free: list[float] = [0] * max(1, lanes)
    for each in seconds:
        heapq.heapreplace(free, free[0] + each)
    return max(free)
