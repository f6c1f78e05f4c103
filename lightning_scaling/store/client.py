"""MLflow's client on a store, a new local database made whole, and its failures as one line."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lightning_scaling.store.address import SQLITE, resolve_uri, shown, sqlite_file


class StoreUnavailable(OSError):  # noqa: N818 - reads as what it says
    """The store did not answer; the message names it and says what it answered instead."""


def connect(uri: str | None) -> Any:
    """An MlflowClient on `uri`; call it and use it inside `patience.impatient`. A local database that is missing is made."""
    from mlflow import MlflowClient

    uri = resolve_uri(uri)
    file = sqlite_file(uri)
    if file is not None and not file.exists():
        _make(file)
    return MlflowClient(uri)


def _make(file: Path) -> None:
    """Make the tables under another name, then rename: a process killed in between leaves no half database, which MLflow cannot mend.

    (Its tables are made by some fifty migrations, 1.7 s.) Other processes wait and find it ready.
    """
    from mlflow import MlflowClient

    file.parent.mkdir(parents=True, exist_ok=True)
    with alone(file.with_name(file.name + ".setup")):
        if not file.exists():
            new = file.with_name(f"{file.name}.{os.getpid()}.new")
            new.unlink(missing_ok=True)
            MlflowClient(SQLITE + str(new)).search_experiments(max_results=1)
            os.replace(new, file)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Held by one process at a time, where the system has file locks."""
    with open(path, "w") as lock, contextlib.ExitStack() as after:
        after.callback(path.unlink, missing_ok=True)
        with contextlib.suppress(ImportError):  # Windows has none
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def answered(uri: str | None) -> Iterator[None]:
    """Turn whatever MLflow raises into one StoreUnavailable line naming the store; ValueError passes."""
    try:
        yield
    except (StoreUnavailable, ValueError):
        raise
    except Exception as error:
        raise StoreUnavailable(f"no answer from the store {shown(resolve_uri(uri))}: {reason(error)}") from error


def reason(error: BaseException, limit: int = 200) -> str:
    """An error in one short line, without the password that requests quotes with the address."""
    line = re.sub(r"://[^/@\s]+@", "://", " ".join(str(error).split())) or type(error).__name__
    return line if len(line) <= limit else line[: limit - 1] + "…"
