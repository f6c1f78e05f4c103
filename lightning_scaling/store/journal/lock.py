"""One writer per journal: between processes by a lock on the file, within a process by a set."""

import errno
import os
import threading
import weakref
from pathlib import Path
from typing import Protocol


class Held(OSError):  # noqa: N818 - named for what happened
    """Somebody else is writing this journal now."""


class _Inherited(Protocol):
    def abandon(self) -> None: ...


_held: set[Path] = set()
_guard = threading.Lock()
_open: "weakref.WeakSet[_Inherited]" = weakref.WeakSet()


def hold(path: Path, descriptor: int) -> None:
    """Lock the open file until `release`, or until the process ends, however it ends.

    Raises:
        Held: this or another process has it.
    """
    with _guard:
        if path in _held:
            raise Held(f"{path} is being written by this process")
        if not _locked(descriptor):
            raise Held(f"{path} is being written by another process")
        _held.add(path)


def release(path: Path) -> None:
    """Closing the file lets other processes in; this lets this process in."""
    with _guard:
        _held.discard(path)


def close_in_children(journal: _Inherited) -> None:
    """Forked data workers inherit the open file and with it the lock; they close it, or it would outlive a killed training."""
    _open.add(journal)


def _locked(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: within the process only
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)  # a network file system without locks: as on Windows
    return True


def _abandon_all() -> None:
    global _guard
    _guard = threading.Lock()  # another thread may have held it at the moment of the fork
    _held.clear()
    for journal in list(_open):
        journal.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)
