"""What the store has not confirmed yet, in order: on disk while the disk takes it, in bounded memory when it does not."""

import contextlib
import os
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import Any

from lightning_scaling.store.client import reason
from lightning_scaling.store.holding import Held
from lightning_scaling.store.spool import Event, Spool, spool_path

MOST_IN_MEMORY = 10_000
ENVIRONMENT = "LIGHTNING_SCALING_SPOOL"
_PLACE = ("uri", "experiment", "run_id")


def default_folder() -> Path:
    """Where spools lie: $LIGHTNING_SCALING_SPOOL, else `.lightning-scaling/spool` in the current folder."""
    return Path(os.environ.get(ENVIRONMENT) or Path.cwd() / ".lightning-scaling" / "spool")


class Backlog:
    """Events in the order they came. Thread safe: `append` may be called by whoever closes while the writer hangs in the network."""

    def __init__(self, folder: Path, header: dict[str, Any], most: int = MOST_IN_MEMORY) -> None:
        self._lock = threading.Lock()
        self._memory: deque[Event] = deque()
        self._most = most
        self.header = header
        self._closed = False
        self.lost = 0
        self.trouble = ""
        self.disk = self._open(folder, header)

    def _open(self, folder: Path, header: dict[str, Any]) -> Spool | None:
        elsewhere = Path(tempfile.gettempdir()) / "lightning-scaling-spool"
        for each in (folder, elsewhere):
            try:
                return _free_spool(each, header)
            except (OSError, ValueError) as error:
                self.trouble = self.trouble or reason(error)
        return None

    @property
    def waiting(self) -> int:
        """Events that the store has not confirmed."""
        return len(self._memory) + (self.disk.waiting if self.disk else 0)

    def append(self, events: list[Event]) -> None:
        """Keep the events. When neither disk nor memory has room the newest are lost, and counted."""
        with self._lock:
            if self.disk and not self._memory:
                try:
                    return self.disk.append(events)
                except OSError as error:
                    self.trouble = reason(error)
            room = max(0, self._most - len(self._memory))
            self._memory.extend(events[:room])
            self.lost += len(events[room:])

    def peek(self, most: int) -> tuple[list[Event], int | None]:
        """The oldest events and what confirms them."""
        with self._lock:
            if self.disk and self.disk.waiting:
                return self.disk.peek(most)
            return [self._memory[i] for i in range(min(most, len(self._memory)))], None

    def confirm(self, mark: int | None, count: int) -> None:
        """The store has the `count` oldest events."""
        with self._lock:
            if mark is not None and self.disk:
                return self.disk.confirm(mark, count)
            for _ in range(min(count, len(self._memory))):
                self._memory.popleft()

    def settle(self) -> None:
        """Before the process ends: memory goes to the disk if it takes it now, else it is lost and counted."""
        with self._lock:
            if self._closed:
                return
            try:
                if self.disk and self._memory:
                    self.disk.append(list(self._memory))
                elif self._memory:
                    raise OSError(self.trouble)
            except OSError as error:
                self.trouble = reason(error)
                self.lost += len(self._memory)
            self._memory.clear()
            if self.disk:
                with contextlib.suppress(OSError):
                    self.disk.sync()

    def close(self) -> None:
        """Let go of the disk; a wholly delivered spool is removed."""
        with self._lock:
            self._closed = True
            if self.disk:
                self.disk.close()


def _free_spool(folder: Path, header: dict[str, Any]) -> Spool:
    """The run's spool; another beside it while somebody else writes that one, or while it waits for another store."""
    path = spool_path(folder, header["key"])
    for n in range(2, 12):
        with contextlib.suppress(Held):
            spool = Spool(path, header)
            if all(spool.header.get(name) == header[name] for name in _PLACE):
                return spool
            spool.close()
            if not path.exists():
                return Spool(path, header)
        path = spool_path(folder, f"{header['key']}~{n}")
    raise Held(f"ten processes write run {header['key']} in {folder}")
