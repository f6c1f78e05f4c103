"""One writer per spool file: between processes by a lock file, within a process by a set."""

import contextlib
import os
import threading
from pathlib import Path

_held: set[Path] = set()
_guard = threading.Lock()


class Held(OSError):  # noqa: N818 - reads as what it says
    """Somebody else is writing this file now."""


class Hold:
    """Holds `path` until released, or until the process ends, however it ends.

    A POSIX record lock belongs to the process, so that forked data workers that outlive a killed training do not keep it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        with _guard:
            if self._path in _held:
                raise Held(f"{path} is being written by this process")
            self._file = self._lock(path.with_suffix(".lock"))
            _held.add(self._path)

    def _lock(self, path: Path) -> int:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            import fcntl

            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # Windows: within the process only
            pass
        except OSError:
            os.close(descriptor)
            raise Held(f"{path.with_suffix('.jsonl')} is being written by another process") from None
        return descriptor

    def release(self) -> None:
        """Let others write; removes the lock file."""
        with _guard, contextlib.suppress(OSError):
            if self._path in _held:
                _held.discard(self._path)
                self._path.with_suffix(".lock").unlink(missing_ok=True)
                os.close(self._file)
