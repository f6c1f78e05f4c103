"""What the store has not confirmed yet, in order: on disk while the disk takes it, in bounded memory while it does not."""

import contextlib
import itertools
import threading
from collections import deque
from pathlib import Path
from typing import Any

from lightning_scaling.store.journal.event import Event
from lightning_scaling.store.journal.journal import Portion
from lightning_scaling.store.journal.opening import open_somewhere

MOST_IN_MEMORY = 10_000
MOST_CHARACTERS = 256 << 20
_USUAL_CHARACTERS = 200


class Backlog:
    """Events in the order of recording. `append` may be called by any thread; the rest by the one that delivers, or after it has ended."""

    def __init__(self, folder: Path, header: dict[str, Any]) -> None:
        self.header = header
        self.lost = 0
        self._memory: deque[Event] = deque()
        self._characters = 0
        self._lock = threading.Lock()
        self.disk, self.trouble = open_somewhere(folder, header)

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
                    self.trouble = str(error)
            for event in events:
                self._remember(event)

    def in_memory(self) -> list[Event]:
        """What a killed process would lose: events that the disk did not take."""
        with self._lock:
            return list(self._memory)

    def attach(self, run_id: str) -> None:
        """The run of the store to write into."""
        self.header = {**self.header, "run_id": run_id}
        if self.disk:
            with contextlib.suppress(OSError):
                self.disk.attach(run_id)

    def peek(self, most: int) -> Portion:
        """The oldest events and what confirms them."""
        if self.disk and self.disk.waiting:
            return self.disk.peek(most)
        with self._lock:
            events = list(itertools.islice(self._memory, most))
        return Portion(events, lines=len(events), to=-1)

    def confirm(self, portion: Portion) -> None:
        """The store has this portion."""
        if portion.to >= 0 and self.disk:
            return self.disk.confirm(portion)
        with self._lock:
            for _ in range(min(portion.lines, len(self._memory))):
                self._characters -= _weight(self._memory.popleft())

    def upkeep(self) -> None:
        """Between deliveries: what is in memory goes to the disk once it has room; lines go from the system to the disk."""
        if self.disk is None:
            return
        with self._lock:
            self._to_disk()
        with contextlib.suppress(OSError):
            self.disk.sync(after=5.0)

    def settle(self) -> None:
        """Before the process ends: memory goes to the disk if it takes it now, else it is lost and counted."""
        with self._lock:
            if not self._to_disk():
                self.lost += len(self._memory)
            self._memory.clear()
        if self.disk:
            with contextlib.suppress(OSError):
                self.disk.sync()

    def close(self) -> None:
        """Let go of the disk; a wholly delivered journal is removed."""
        if self.disk:
            self.disk.close()

    def _remember(self, event: Event) -> None:
        if len(self._memory) >= MOST_IN_MEMORY or self._characters > MOST_CHARACTERS:
            self.lost += 1
            return
        self._memory.append(event)
        self._characters += _weight(event)

    def _to_disk(self) -> bool:
        """True if memory is empty afterwards."""
        if self._memory and self.disk:
            try:
                self.disk.append(list(self._memory))
                self._memory.clear()
                self._characters = 0
            except OSError as error:
                self.trouble = str(error)
        return not self._memory


def _weight(event: Event) -> int:
    return len(event.get("base64", "")) + len(event.get("packed", "")) + _USUAL_CHARACTERS
