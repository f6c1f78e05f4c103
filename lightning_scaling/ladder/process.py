"""A training process of the local engine: so many threads, quiet, gone when its parent is gone, and ended by SIGTERM after a checkpoint."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from lightning_scaling.ladder.chain_training import Report, Task, in_words, train_chain
from lightning_scaling.ladder.run_folder import Session, open_folder

# glibc gives big blocks back to the system at every free, and takes page faults to get them again: 10 % of a step at width 64.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_TOP_PAD_": str(2**26),
}
# Loaded once and shared by every process: five seconds of imports each otherwise. Torch's threads do not survive a fork, so none may run.
PRELOADED = ("lightning_scaling.ladder.preloaded",)
OFTEN = 0.2  # seconds between two reports of steps


def context() -> Any:
    """How processes are started: forked from a server that has loaded the libraries and nothing else, where the system can."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(list(PRELOADED))
    return found


@contextlib.contextmanager
def environment() -> Iterator[None]:
    """What the processes inherit; the own environment is as before afterwards."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run(task: Task, pipe: Any) -> None:
    """Train the task's cells and send the report through the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _words_into(log_file(task))
    session = Session(_reporter(pipe))
    session.heed_signals(signal.SIGTERM)
    try:
        pipe.send((task.work or train_chain)(task, session))
    except Exception as error:  # of the store, say; what concerns a cell is in the report
        pipe.send(Report(tuple((cell.id, in_words(error)) for cell in task.chain.cells)))
    pipe.close()


def log_file(task: Task) -> str:
    """Where the words of a task go: a file of its run folder, where that is on this machine."""
    system, path = open_folder(f"{task.design.folder}/logs/{task.chain.cells[0].id}.log")
    if "file" not in system.protocol:
        return os.devnull
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return str(path)


def _words_into(path: str) -> None:
    with open(path, "a") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)


def _reporter(pipe: Any) -> Any:
    last = 0.0

    def report(cell: str, step: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > OFTEN:
            last = now
            with contextlib.suppress(OSError):
                pipe.send((cell, step))

    return report


def _end_with_parent() -> None:
    """A parent killed with -9 cannot say so; its checkpoints are there, so go at once."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        sys.stderr.flush()
        os._exit(1)
