"""Opening a run's journal, in a folder of this user's alone: the one that an earlier process left, proved and locked, or a new one."""

import os
import tempfile
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lightning_scaling.store.journal import lock
from lightning_scaling.store.journal.event import to_line
from lightning_scaling.store.journal.journal import Journal
from lightning_scaling.store.journal.proved import VERSION, NotOurs, header_in, header_of, open_proved, private_folder

SUFFIX = ".jsonl"
ENVIRONMENT = "LIGHTNING_SCALING_SPOOL"


def default_folder() -> Path:
    """$LIGHTNING_SCALING_SPOOL, else the `spool` in this user's folder for the state of programs (~/.local/state on Linux)."""
    from platformdirs import user_state_path

    given = os.environ.get(ENVIRONMENT)
    return Path(given).absolute() if given else user_state_path("lightning-scaling", appauthor=False) / "spool"


def open_somewhere(folder: Path, header: dict[str, Any]) -> tuple[Journal | None, str]:
    """The journal in `folder`, else in a new folder that only this user can know and read; (None, why) where no disk takes it."""
    try:
        return open_journal(folder, header), ""
    except (OSError, ValueError) as error:
        why = str(error)
    try:
        return open_journal(Path(tempfile.mkdtemp(prefix="lightning-scaling-spool-")), header), why
    except (OSError, ValueError):
        return None, why


def continue_journal(path: Path) -> Journal:
    """The journal that an earlier process left.

    Raises:
        NotOurs: no journal of this user's; nothing was opened for writing.
        Held: another process is writing it.
        OSError: it cannot be read or written.
    """
    if header_of(path) is None:
        raise NotOurs(f"{path} is empty")
    return _opened(path.parent.resolve() / path.name, None)


def open_journal(folder: Path, header: dict[str, Any]) -> Journal:
    """The journal of a run in `folder`, which is made if missing.

    It is the one that an earlier process left for this run and store, else a new one beside what others write or left for another run.

    Raises:
        OSError, NotOurs: the folder or file cannot be written, or is not this user's alone.
    """
    folder = private_folder(folder).resolve()
    for n in range(1, 100):
        path = folder / journal_name(header, n)
        try:
            there = header_of(path) if path.exists() else None
            journal = _opened(path, {"spool": VERSION, **header})
        except (NotOurs, lock.Held):
            continue
        if there is None or (journal.header["run_id"] == header["run_id"] and not header.get("attach")):
            return journal
        journal.close()
    raise lock.Held(f"a hundred processes write run {header['key']} in {folder}")


def journal_name(header: dict[str, Any], number: int = 1) -> str:
    """The file of a run: its key, made safe and shortened where it must be, and eight digits for store and experiment."""
    name = quote(header["key"], safe="")
    if len(name) > 100:
        name = f"{name[:80]}-{zlib.crc32(header['key'].encode()):08x}"
    place = zlib.crc32(f"{header['uri']}\n{header['experiment']}".encode())
    return f"{name}.{place:08x}{f'~{number}' if number > 1 else ''}{SUFFIX}"


def _opened(path: Path, header: dict[str, Any] | None) -> Journal:
    """Open for writing and lock; `header` begins a missing or empty file."""
    for _ in range(10):
        descriptor = open_proved(path, os.O_RDWR | os.O_APPEND | (os.O_CREAT if header is not None else 0))
        try:
            lock.hold(path, descriptor)
        except lock.Held:
            os.close(descriptor)
            raise
        try:
            if _is_at(path, descriptor):  # else its last owner removed it before the lock was free
                return _begun(path, descriptor, header)
        except BaseException:
            lock.release(path)
            os.close(descriptor)
            raise
        lock.release(path)
        os.close(descriptor)
        if header is None:
            break
    raise lock.Held(f"{path} is being written by another process")


def _begun(path: Path, descriptor: int, header: dict[str, Any] | None) -> Journal:
    found = header_in(descriptor, path)
    if found is None:
        if header is None:
            raise NotOurs(f"{path} is empty")
        line, found = to_line(header), header
        if os.write(descriptor, line) != len(line):
            os.ftruncate(descriptor, 0)
            raise OSError(f"no room for {path}")
    start = os.pread(descriptor, 1 << 16, 0).index(b"\n") + 1
    return Journal(path, descriptor, {"run_id": None, "run_name": None, **found}, start)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False
