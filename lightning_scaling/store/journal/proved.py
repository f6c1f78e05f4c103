"""Files and folders that are surely ours, before anything is written to them: owner, kind and mode of the file, and its first line."""

import os
import stat
from pathlib import Path
from typing import Any

from lightning_scaling.store.journal.event import Damaged, decode

VERSION = 2
_LONGEST_HEADER = 1 << 16
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


class NotOurs(ValueError):  # noqa: N818 - named for what happened
    """No journal of this project and this user; the message names what it is instead. It is left as it is."""


def header_of(path: Path) -> dict[str, Any] | None:
    """The header of a journal, read without opening it for writing and without following a link; None for an empty file.

    Raises:
        NotOurs: anything else than a journal that this user wrote.
        OSError: it cannot be read.
    """
    descriptor = open_proved(path, _READ)
    try:
        return header_in(descriptor, path)
    finally:
        os.close(descriptor)


def open_proved(path: Path, flags: int) -> int:
    """A descriptor of a plain file of this user's that others may not write. Raises like `header_of`."""
    try:
        descriptor = os.open(path, flags | _READ, 0o600)
    except OSError as error:
        if path.is_symlink():
            raise NotOurs(f"{path} is a link; links are not followed") from None
        if path.exists() and not path.is_file():
            raise NotOurs(f"{path} is no plain file") from None
        raise error
    try:
        _check_owner(os.fstat(descriptor), path)
    except NotOurs:
        os.close(descriptor)
        raise
    return descriptor


def header_in(descriptor: int, path: Path) -> dict[str, Any] | None:
    """The header of an open file. Raises NotOurs."""
    start = os.pread(descriptor, _LONGEST_HEADER, 0)
    if not start:
        return None
    line, newline, _ = start.partition(b"\n")
    try:
        header = decode(line, checksum=False) if newline else {}
    except Damaged:
        header = {}
    version = header.get("spool")
    if isinstance(version, int) and version > VERSION:
        raise NotOurs(f"{path} was written by a newer version of lightning-scaling; install that version to deliver it")
    if version not in range(1, VERSION + 1) or not _complete(header):
        raise NotOurs(f"{path} is no journal of lightning-scaling, or its first line is damaged; it is left as it is")
    return header


def private_folder(folder: Path) -> Path:
    """The folder, made for this user alone where it is missing.

    Raises:
        NotOurs: it belongs to another user, or all users may write to it.
    """
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    check_folder(folder)
    return folder


def check_folder(folder: Path) -> None:
    """NotOurs for a folder in which other users could have put files."""
    status = os.stat(folder)
    if not stat.S_ISDIR(status.st_mode):
        raise NotOurs(f"{folder} is no folder")
    _check_owner(status, folder, "folder")


def _check_owner(status: os.stat_result, path: Path, kind: str = "file") -> None:
    if kind == "file" and not stat.S_ISREG(status.st_mode):
        raise NotOurs(f"{path} is no plain file")
    if hasattr(os, "geteuid") and status.st_uid != os.geteuid():
        raise NotOurs(f"the {kind} {path} belongs to another user")
    if os.name == "posix" and status.st_mode & stat.S_IWOTH:
        raise NotOurs(f"every user may write to the {kind} {path}; take that right away (chmod o-w) if all of it is yours")


def _complete(header: dict[str, Any]) -> bool:
    """Every field with the type that a sink needs."""
    texts = all(isinstance(header.get(name), str) and header[name] for name in ("key", "uri", "experiment"))
    names = all(isinstance(header.get(name), (str, type(None))) for name in ("run_id", "run_name"))
    return texts and names and isinstance(header.get("began_ms", 0), int)
