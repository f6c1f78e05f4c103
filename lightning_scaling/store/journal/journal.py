"""One run's journal: every event is a line on disk before the store hears of it, so that an outage or a killed process loses nothing.

A header (where the run belongs, without secrets), then events, only ever appended; a line of kind `delivered` notes up to which byte the
store has them. A line is with the operating system when `append` returns: it survives kill -9 (about 15 µs; a power cut may cost the
last 5 s). A process killed between delivery and note delivers some events again, and sinks take the same event twice as once.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightning_scaling.store.journal import lock
from lightning_scaling.store.journal.event import Damaged, Event, from_line, to_line

RESTART_BYTES = 1 << 20
_CHUNK_BYTES = 4 << 20
_READ_BYTES = 1 << 18


@dataclass
class Portion:
    """The oldest events that are not delivered yet, with the lines among them that are damaged; `to` is what confirms all of it."""

    events: list[Event] = field(default_factory=list)
    damaged: list[bytes] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    to: int = 0
    lines: int = 0


class Journal:
    """An open journal; `opening.py` makes one. `append` may be called by any thread, the rest by one."""

    def __init__(self, path: Path, descriptor: int, header: dict[str, Any], start: int) -> None:
        self.path, self.header = path, header
        self._file, self._start = descriptor, start
        self._lock = threading.Lock()
        self._synced = time.monotonic()
        self._open = True
        self._checksum = header["spool"] > 1
        self._end = os.fstat(descriptor).st_size
        self._delivered, self.waiting = self._scan()
        lock.close_in_children(self)

    def append(self, events: list[Event]) -> None:
        """Write the events behind all others, whole or not at all.

        Raises:
            OSError: the disk does not take them, or the journal is closed.
        """
        data = b"".join(map(to_line, events))
        with self._lock:
            self._write(data)
            self.waiting += len(events)

    def attach(self, run_id: str) -> None:
        """The run of the store to write into, where it became known only after the start."""
        self.header = {**self.header, "run_id": run_id}
        with self._lock:
            self._write(to_line(_run(run_id)))

    def peek(self, most: int) -> Portion:
        """The oldest events not confirmed yet, at most `most` and about 4 MB."""
        found = Portion(to=self._delivered)
        for line, end in self._lines(self._delivered, self._end):
            for part in _parts(line):
                self._take(part, found)
            found.to = end
            if found.lines >= most or end - self._delivered > _CHUNK_BYTES:
                break
        return found

    def confirm(self, portion: Portion) -> None:
        """The store has this portion. Damaged lines go to a file beside the journal. A note that finds no room costs a second delivery."""
        with contextlib.suppress(OSError):
            self._set_aside(portion.damaged)
        with self._lock, contextlib.suppress(OSError):
            self.waiting = max(0, self.waiting - portion.lines)
            self._delivered = portion.to
            if self.waiting == 0 and self._end > RESTART_BYTES:
                self._restart()
            else:
                self._write(to_line({"kind": "delivered", "t": _now(), "to": portion.to}))

    def sync(self, after: float = 0.0) -> None:
        """Bring the lines to the disk, unless that was done less than `after` seconds ago. Never called by the training thread."""
        if self._open and time.monotonic() - self._synced >= after:
            os.fsync(self._file)
            self._synced = time.monotonic()

    def close(self) -> None:
        """Let go of the file; a wholly delivered one is removed."""
        with self._lock:
            if not self._open:
                return
            self._open = False
            if self.waiting == 0:
                with contextlib.suppress(OSError):
                    self.path.unlink(missing_ok=True)
            os.close(self._file)
        lock.release(self.path)

    def abandon(self) -> None:
        """In a forked child: the file belongs to the parent."""
        if self._open:
            self._open = False
            os.close(self._file)

    @property
    def set_aside(self) -> Path:
        """Where damaged lines go."""
        return self.path.with_suffix(".damaged")

    def _write(self, data: bytes) -> None:
        if not self._open:
            raise OSError(f"{self.path} is closed")
        try:
            written = os.write(self._file, data)
            if written != len(data):
                raise OSError(f"the disk took {written} of {len(data)} bytes")
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._end)
            raise
        self._end += len(data)

    def _restart(self) -> None:
        """All delivered and the file has grown: keep the header alone, so that a long run's journal stays small."""
        os.ftruncate(self._file, self._start)
        self._end = self._delivered = self._start
        if self.header["run_id"] is not None:
            self._write(to_line(_run(self.header["run_id"])))

    def _scan(self) -> tuple[int, int]:
        """(what is delivered up to, lines that wait); a torn last line is ended, so that the next one begins a line of its own."""
        if self._end and os.pread(self._file, 1, self._end - 1) != b"\n":
            self._write(b"\n")
        delivered = self._start
        for line, _ in self._lines(self._start, self._end):
            note = _note(line, self._checksum)
            if note.get("kind") == "delivered" and delivered <= note["to"] <= self._end and self._begins_line(note["to"]):
                delivered = note["to"]
            elif note.get("kind") == "run":
                self.header = {**self.header, "run_id": note["run_id"]}
        counted = Portion()
        for line, _ in self._lines(delivered, self._end):
            for part in _parts(line):
                self._take(part, counted)
        return delivered, counted.lines

    def _take(self, line: bytes, into: Portion) -> None:
        try:
            event = from_line(line, self._checksum)
        except Damaged as error:
            into.damaged.append(line)
            into.reasons.append(str(error))
            into.lines += 1
            return
        if event["kind"] not in ("delivered", "run"):
            into.events.append(event)
            into.lines += 1

    def _begins_line(self, at: int) -> bool:
        return at == self._start or os.pread(self._file, 1, at - 1) == b"\n"

    def _lines(self, start: int, end: int) -> Iterator[tuple[bytes, int]]:
        """(line, where the next one begins) of every line that is not empty."""
        rest, at = b"", start
        while at < end:
            data = os.pread(self._file, min(_READ_BYTES, end - at), at)
            if not data:
                return
            at += len(data)
            whole, newline, tail = (rest + data).rpartition(b"\n")
            begin = at - len(tail) - len(whole) - len(newline)
            rest = tail
            for line in whole.split(b"\n") if newline else ():
                begin += len(line) + 1
                if line.strip():
                    yield line, begin

    def _set_aside(self, damaged: list[bytes]) -> None:
        if damaged:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            with open(os.open(self.set_aside, flags, 0o600), "ab") as file:
                file.write(b"\n".join(damaged) + b"\n")


def _parts(line: bytes) -> list[bytes]:
    """The line, or the two that a damaged newline has joined: each ends with a tab and eight digits."""
    line, parts, begin = line.rstrip(b"\r"), [], 0
    while (tab := line.find(b"\t", begin)) >= 0 and len(line) > tab + 9:
        parts.append(line[begin : tab + 9])
        begin = tab + 10 if line[tab + 10 : tab + 11] == b"{" else tab + 9
    return [*parts, line[begin:]]


def _note(line: bytes, checksum: bool) -> dict[str, Any]:
    """The line if it is about the journal itself, else nothing; cheaper than reading every event."""
    if b'"kind":"delivered"' not in line[:40] and b'"kind":"run"' not in line[:40]:
        return {}
    with contextlib.suppress(Damaged):
        return from_line(line, checksum)
    return {}


def _run(run_id: str) -> Event:
    return {"kind": "run", "t": _now(), "run_id": run_id}


def _now() -> int:
    return int(time.time() * 1000)
