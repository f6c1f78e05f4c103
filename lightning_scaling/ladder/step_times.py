"""How long cells take: the first steps of a cell timed on this machine, without monitor, store or validation, and interpolated."""

import heapq
import multiprocessing
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import pairwise
from typing import Any

import numpy as np

from lightning_scaling.ladder.cell import Cell, Chain
from lightning_scaling.ladder.chain_training import in_words
from lightning_scaling.ladder.design import Design

STEPS, FIRST = 24, 4  # trained, and left out because they warm up


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


def measured_step_times(design: Design) -> StepTimes:
    """The step times by the smallest and the largest step of the design, each timed in a process of its own.

    Raises:
        ValueError: the builder cannot build them.
    """
    by_step = sorted(design.cells, key=lambda cell: cell.flops / cell.steps)
    return StepTimes({cell.flops / cell.steps: step_seconds(design, cell) for cell in (by_step[0], by_step[-1])})


def step_seconds(design: Design, cell: Cell) -> float:
    """Median seconds of a step.

    Raises:
        ValueError: the builder cannot build it, or its first steps fail.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            found = pool.submit(time_steps, design, cell).result()
        except BrokenProcessPool:
            found = "its process died"
    if isinstance(found, str):
        raise ValueError(f"the first steps of {cell.name} could not be timed: {found}; --no-measure leaves the time out")
    return found


def time_steps(design: Design, cell: Cell) -> float | str:
    """In the process itself; what went wrong in words, since not every error can be sent to another process."""
    try:
        return _timed(design, cell)
    except Exception as error:
        return in_words(error)


def _timed(design: Design, cell: Cell) -> float:
    from lightning_scaling.callbacks.lightning_base import Callback
    from lightning_scaling.ladder.training import QUIET, built, fit, quiet, trainer_of

    class Clock(Callback):
        """When each step ended."""

        def __init__(self) -> None:
            self.ends: list[float] = []

        def on_train_batch_end(self, *_: Any) -> None:
            self.ends.append(time.perf_counter())

    quiet(design.cores)
    module, data, arguments = built(design, cell)
    clock = Clock()
    limits: dict[str, Any] = dict(max_steps=min(STEPS, cell.steps), max_epochs=-1, limit_val_batches=0)
    fit(trainer_of(module)(**{**QUIET, **arguments, **design.trainer, **limits, "callbacks": [clock]}), module, data)
    ends = clock.ends[min(FIRST, len(clock.ends) - 2) :]
    each = sorted(later - earlier for earlier, later in pairwise(ends))
    return each[len(each) // 2] if each else float("nan")
