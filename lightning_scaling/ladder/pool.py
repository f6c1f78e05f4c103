"""The local engine: one process a task, as many at a time as the cores allow. A process that dies costs its own task."""

import contextlib
import multiprocessing
import multiprocessing.connection
import signal
from collections.abc import Iterator, Sequence
from typing import Any

from lightning_scaling.ladder import process
from lightning_scaling.ladder.chain_training import Report, Task
from lightning_scaling.ladder.engine import Ended
from lightning_scaling.ladder.training import cores_here


class Pool:
    """Processes on this machine.

    Args:
        cores: of a task.
        lanes: tasks at a time; None: as many as the cores of this machine allow.
    """

    def __init__(self, cores: int = 1, lanes: int | None = None) -> None:
        self.lanes = lanes or max(1, cores_here() // cores)
        self._running: dict[Any, tuple[Task, Any]] = {}  # the pipe of each process → its task and the process
        self._steps: dict[str, int] = {}
        self._reports: dict[Any, Report] = {}

    def room(self) -> int:
        return self.lanes - len(self._running)

    def start(self, tasks: Sequence[Task]) -> None:
        context = process.context()
        for task in tasks:
            mine, its = context.Pipe(duplex=False)
            with process.environment():
                child = context.Process(target=process.run, args=(task, its), name=task.name)
                child.start()
            its.close()
            self._running[mine] = task, child

    def ended(self, timeout: float) -> list[Ended]:
        ready = multiprocessing.connection.wait(list(self._running), timeout)
        return [ended for pipe in ready for ended in self._read(pipe)]

    def _read(self, pipe: Any) -> Iterator[Ended]:
        task, child = self._running[pipe]
        try:
            while pipe.poll():
                found = pipe.recv()
                if isinstance(found, Report):
                    self._reports[pipe] = found
                else:
                    self._steps[found[0]] = found[1]
        except (EOFError, OSError):
            child.join()
            pipe.close()
            del self._running[pipe]
            report = self._reports.pop(pipe, None)
            yield Ended(task, report) if report is not None else Ended(task, died=_cause(child.exitcode))

    def steps(self) -> dict[str, int]:
        return dict(self._steps)

    def stop(self) -> None:
        for _, child in self._running.values():
            with contextlib.suppress(OSError, AttributeError):
                child.terminate()

    def close(self) -> None:
        for _, child in self._running.values():
            child.kill()
        while self._running:
            self.ended(1.0)


def _cause(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        memory = "; the system may have been out of memory" if name == "SIGKILL" else ""
        return f"its process was killed by {name}{memory}"
    return f"its process ended with exit code {code}"
