"""The run folder of a ladder, anywhere fsspec reaches, and what a cell asks of whoever runs it.

The folder holds checkpoints and the mark of a ladder that was cancelled. A cell reports every step, and learns whether it is to save a
checkpoint and end.
"""

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from lightning_scaling.ladder.design import Design

CANCELLED = "cancelled"
LOOK = 2.0  # seconds between two looks for a cancellation


def open_folder(address: str) -> tuple[Any, str]:
    """The file system and the path on it."""
    from fsspec.core import url_to_fs

    return url_to_fs(address)  # type: ignore[no-any-return]


def exists(address: str) -> bool:
    """Whether a file lies there."""
    system, path = open_folder(address)
    system.invalidate_cache()
    return bool(system.exists(path))


def remove(address: str) -> None:
    """Remove a file, if it is there."""
    system, path = open_folder(address)
    if system.exists(path):
        system.rm(path)


def cancel(design: Design) -> None:
    """Ask every cell, wherever it is trained, to save a checkpoint and end; waiting ones do not begin."""
    system, path = open_folder(f"{design.folder}/{CANCELLED}")
    system.makedirs(system._parent(path), exist_ok=True)
    system.pipe_file(path, b"the cells end after a checkpoint; `lightning-scaling ladder resume` continues\n")


def cancelled(design: Design) -> bool:
    """Whether the ladder was cancelled."""
    return exists(f"{design.folder}/{CANCELLED}")


def resume(design: Design) -> None:
    """Take a cancellation back."""
    remove(f"{design.folder}/{CANCELLED}")


class Stopped(Exception):  # noqa: N818 - no error: somebody asked for it
    """Training was asked to stop and can be resumed."""


class Session:
    """Passed through a cell's training.

    Args:
        report: called with a cell's id and the steps it has done.
        stopping: asked after every step.
    """

    def __init__(self, report: Callable[[str, int], None] = lambda cell, step: None, stopping: Callable[[], bool] = lambda: False) -> None:
        self.report, self._stopping = report, stopping
        self.signalled = False

    def stopping(self) -> bool:
        """Whether the cell is to end."""
        return self.signalled or self._stopping()

    def heed_signals(self, *numbers: signal.Signals) -> None:
        """End after a checkpoint when one of these comes: a scheduler warns so before it takes the machine away."""
        if threading.current_thread() is threading.main_thread():
            for number in numbers:
                signal.signal(number, self._note)

    def _note(self, number: int, frame: Any) -> None:
        self.signalled = True


class CancelledInFolder:
    """Whether the ladder was cancelled, looked up every two seconds."""

    def __init__(self, design: Design) -> None:
        self.design, self.answer, self.at = design, False, time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if not self.answer and now - self.at > LOOK:
            self.at, self.answer = now, cancelled(self.design)
        return self.answer
