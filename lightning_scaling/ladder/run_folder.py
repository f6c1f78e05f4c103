"""The run folder of a ladder, anywhere fsspec reaches: checkpoints, and the mark of a ladder that was cancelled."""

from typing import Any

from lightning_scaling.ladder.design import Design

CANCELLED = "cancelled"


def open_folder(address: str) -> tuple[Any, str]:
    """The file system and the path on it."""
    from fsspec.core import url_to_fs

    return url_to_fs(address)  # type: ignore[no-any-return]


def exists(address: str) -> bool:
    """Whether a file lies there."""
    system, path = open_folder(address)
    system.invalidate_cache()
    return bool(system.exists(path))


def remove(address: str) -> None:
    """Remove a file, if it is there."""
    system, path = open_folder(address)
    if system.exists(path):
        system.rm(path)


def cancel(design: Design) -> None:
    """Ask every cell, wherever it is trained, to save a checkpoint and end; waiting ones do not begin."""
    system, path = open_folder(f"{design.folder}/{CANCELLED}")
    system.makedirs(system._parent(path), exist_ok=True)
    system.pipe_file(path, b"the cells end after a checkpoint; `lightning-scaling ladder resume` continues\n")


def cancelled(design: Design) -> bool:
    """Whether the ladder was cancelled."""
    return exists(f"{design.folder}/{CANCELLED}")


def resume(design: Design) -> None:
    """Take a cancellation back."""
    remove(f"{design.folder}/{CANCELLED}")
