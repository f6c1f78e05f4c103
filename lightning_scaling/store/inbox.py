"""Where training leaves its events: bounded, and without a lock that the writing thread could hold for long."""

import threading
from collections import deque
from collections.abc import Callable

from lightning_scaling.store.spool import Event

MOST_EVENTS = 10_000
MOST_CHARACTERS = 256 << 20
_USUAL_CHARACTERS = 200


class Inbox:
    """One or more threads put, one moves. Both counters only rise and each has one writer, so that `put` needs no lock."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._wake = threading.Event()
        self._moving = threading.Lock()
        self._came = self._went = 0
        self.closed = False
        self.lost = 0

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: Event) -> None:
        """Leave an event (microseconds). A full inbox (the disk hangs) loses it, counted."""
        if self.closed or len(self._events) >= MOST_EVENTS or self._came - self._went > MOST_CHARACTERS:
            self.lost += 1
            return
        self._came += _weight(event)
        self._events.append(event)
        self._wake.set()

    def waiting(self) -> list[Event]:
        """A copy of what has not been moved."""
        return list(self._events)

    def move(self, keep: Callable[[list[Event]], None], patience: float = -1) -> None:
        """Hand everything to `keep` and, unless it raises, take it out. Waits at most `patience` seconds for another mover."""
        if not self._moving.acquire(timeout=patience):
            return
        try:
            events = list(self._events)
            if events:
                keep(events)
                for event in events:
                    self._events.popleft()
                    self._went += _weight(event)
        finally:
            self._moving.release()

    def wait(self, seconds: float) -> None:
        """Until something comes, `close` is called, or the time is over."""
        self._wake.wait(max(0.0, seconds))
        self._wake.clear()

    def close(self) -> None:
        """No more events; wakes the writer."""
        self.closed = True
        self._wake.set()


def _weight(event: Event) -> int:
    return len(event.get("base64", "")) + _USUAL_CHARACTERS
