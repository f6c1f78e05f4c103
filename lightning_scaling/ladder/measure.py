"""The throughput of this machine: the first steps of a cell, timed without monitor, store or validation."""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import pairwise
from typing import Any

from lightning_scaling.ladder.cell import Cell
from lightning_scaling.ladder.chain_training import in_words
from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.step_times import StepTimes

STEPS, FIRST = 24, 4  # trained, and left out because they warm up


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
    from lightning_scaling.ladder.quiet import quiet
    from lightning_scaling.ladder.training import QUIET, built, fit, trainer_of

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
