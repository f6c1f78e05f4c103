"""What happens in a training process: one thread, one cell at a time, quiet, and gone when its parent is gone."""

import logging
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Sequence
from typing import Any

from lightning_scaling.ladder.training import Job, train_cell
from lightning_scaling.run.curve import Curve

# glibc gives big blocks back to the system at every free, and takes page faults to get them again: 10 % of a step at width 64.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_TOP_PAD_": str(2**26),
}

_shared: dict[str, Any] = {}


def begin(job: Job, steps: Any, stop: Any) -> None:
    """Set the process up. `steps`: shared array of steps done, by cell; `stop`: event that asks all trainings to save and end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _shared.update(job=job, steps=steps, stop=stop)
    warnings.simplefilter("ignore")
    _one_thread()
    _hush()


def train(index: int, siblings: Sequence[Curve]) -> bool:
    """Train cell `index` of the job; False when it was stopped before its end."""
    from lightning_scaling.ladder.interruption import Stopped

    job: Job = _shared["job"]
    try:
        train_cell(job, job.ladder.runs[index], siblings, _report(index), _shared["stop"].is_set)
    except Stopped:
        return False
    return True


def _report(index: int) -> Any:
    steps = _shared["steps"]

    def report(step: int) -> None:
        steps[index] = step

    return report


def _one_thread() -> None:
    """One cell is too small for two threads (they wait for each other); and with one, sums are always taken in the same order."""
    import torch

    torch.set_num_threads(1)


def _hush() -> None:
    """The progress bars show the state; Lightning sets its own level when it is imported."""
    import lightning.pytorch

    for name in (lightning.pytorch.__name__, "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _end_with_parent() -> None:
    """A parent killed with -9 cannot say so; its checkpoints are there, so go at once."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
