"""The run's diary on disk: every event is a line here before the store hears of it, so that an outage, or a killed process, loses nothing.

`<key>.jsonl` holds a header (where the run belongs) and one JSON event a line, only ever appended; `<key>.mark` says up to which
byte the store has confirmed them. A process killed between confirming and marking delivers some lines again: events are idempotent, so
twice is once. Lines reach the operating system at once (they survive kill -9), the disk every 5 s (a power cut may cost those).
"""

import contextlib
import json
import os
import time
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lightning_scaling.store.holding import Hold

VERSION = 1
SYNC_SECONDS = 5.0
RESTART_BYTES = 1 << 20
_CHUNK_BYTES = 4 << 20

Event = dict[str, Any]


class Spool:
    """One run's lines. `header` says where they belong; an existing file of the same key is continued, after its torn last line was cut.

    Raises:
        OSError: the folder or file cannot be written, or another process is writing this run.
    """

    def __init__(self, path: Path, header: dict[str, Any] | None = None) -> None:
        self.path = path
        self._mark = path.with_suffix(".mark")
        self._synced = time.monotonic()
        self._end = self._delivered = self.waiting = 0
        if header is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._hold = Hold(path)
        with contextlib.ExitStack() as undo:
            undo.callback(self._hold.release)
            self._file = undo.enter_context(open(path, "ab" if header is not None else "r+b", buffering=0, opener=_private))
            self.header = self._begin(header)
            self._count()
            undo.pop_all()

    def append(self, events: list[Event]) -> None:
        """Write the events behind all others, whole or not at all. OSError when the disk does not take them."""
        data = b"".join(_line(event) for event in events)
        try:
            written = self._file.write(data)
            if written != len(data):
                raise OSError(f"the disk took {written} of {len(data)} bytes")
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file.fileno(), self._end)
            raise
        self._end += len(data)
        self.waiting += len(events)
        self.sync(SYNC_SECONDS)

    def sync(self, after: float = 0.0) -> None:
        """Bring the lines to the disk, unless that was done less than `after` seconds ago."""
        if time.monotonic() - self._synced >= after:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def peek(self, most: int) -> tuple[list[Event], int]:
        """The oldest events not yet confirmed, at most `most` and about 4 MB, and the mark that confirms them."""
        events: list[Event] = []
        with open(self.path, "rb") as file:
            file.seek(self._delivered)
            while len(events) < most and file.tell() - self._delivered < _CHUNK_BYTES and file.tell() < self._end:
                events.append(json.loads(file.readline()))
            return events, file.tell()

    def confirm(self, mark: int, count: int) -> None:
        """The store has everything before `mark`. A mark that cannot be written costs a harmless second delivery."""
        self._delivered, self.waiting = mark, self.waiting - count
        with contextlib.suppress(OSError):
            if self.waiting == 0 and self._end > RESTART_BYTES:
                self._restart()
            self._write_mark()

    def close(self) -> None:
        """Let go of the file; a wholly delivered one is removed."""
        self._file.close()
        if self.waiting == 0:
            for path in (self.path, self._mark):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
        self._hold.release()

    def _begin(self, header: dict[str, Any] | None) -> dict[str, Any]:
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.ftruncate(self._file.fileno(), whole)
        self._end = whole
        if whole:
            return _check(data.partition(b"\n")[0], self.path)
        if header is None:
            raise ValueError(f"{self.path} is empty")
        header = {"spool": VERSION, "began": time.time_ns(), **header}
        line = _line(header)
        self._file.write(line)
        self._end = len(line)
        return header

    def _count(self) -> None:
        first = self.path.read_bytes()[: self._end].find(b"\n") + 1
        self._delivered = max(first, self._read_mark())
        with open(self.path, "rb") as file:
            file.seek(self._delivered)
            self.waiting = sum(1 for _ in file)

    def _read_mark(self) -> int:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            mark = json.loads(self._mark.read_bytes())
            if mark["began"] == self.header["began"] and mark["delivered"] <= self._end:
                return int(mark["delivered"])
        return 0

    def _write_mark(self) -> None:
        _replace(self._mark, json.dumps({"began": self.header["began"], "delivered": self._delivered}).encode())

    def _restart(self) -> None:
        """All delivered and the file has grown: begin anew under another date, so that the old mark cannot be taken for the new file's."""
        self.header = {**self.header, "began": time.time_ns()}
        line = _line(self.header)
        _replace(self.path, line)
        self._file.close()
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115
        self._end = self._delivered = len(line)


def spool_path(folder: Path, key: str) -> Path:
    """The file of a run: its key, made safe for a file name and shortened where it must be."""
    name = quote(key, safe="")
    if len(name) > 100:
        name = f"{name[:80]}-{zlib.crc32(key.encode()):08x}"
    return folder / f"{name}.jsonl"


def _line(event: Event) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"


def _replace(path: Path, data: bytes) -> None:
    """Write a small file so that a reader finds the old one or the new one, never half."""
    new = path.with_name(path.name + ".new")
    with open(new, "wb", opener=_private) as file:
        file.write(data)
    os.replace(new, path)


def _private(path: str, flags: int) -> int:
    """Opens for the owner alone: a tracking URI may carry a password."""
    return os.open(path, flags, 0o600)


def _check(line: bytes, path: Path) -> dict[str, Any]:
    try:
        header: dict[str, Any] = json.loads(line)
        if header["spool"] not in range(1, VERSION + 1):
            raise ValueError(f"{path} was written by a newer version of lightning-scaling")
        return header
    except (KeyError, TypeError, json.JSONDecodeError):
        raise ValueError(f"{path} is no spool of lightning-scaling") from None
