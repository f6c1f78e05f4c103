"""MLflow's client on a store: a new local database made whole, a database of another MLflow version left alone, failures as one line."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lightning_scaling.store.address import SQLITE, sqlite_file
from lightning_scaling.store.failures import StoreUnavailable, loads
from lightning_scaling.store.mlflow.schema import check_schema
from lightning_scaling.store.redaction import reason, redacted


def connect(uri: str, migrate: bool = False) -> Any:
    """An MlflowClient on a resolved address; call it and use it inside `timeouts.short_timeouts`. A local database that is missing is made.

    Raises:
        StoreUnusable: MLflow does not load, or the database is another version's (and, with `migrate`, a newer one's).
    """
    with loads():
        from mlflow import MlflowClient

        file = sqlite_file(uri)
        if file is not None and not file.exists():
            _make(file)
        check_schema(uri, migrate)
        return MlflowClient(uri)


def _make(file: Path) -> None:
    """Make the tables under another name, then rename: a process killed in between leaves no half database, which MLflow cannot mend.

    (Its tables are made by some fifty migrations, 1.7 s.) Other processes wait and find it ready.
    """
    from mlflow import MlflowClient

    file.parent.mkdir(parents=True, exist_ok=True)
    with _alone(file.with_name(file.name + ".setup")):
        if not file.exists():
            new = file.with_name(f"{file.name}.{os.getpid()}.new")
            new.unlink(missing_ok=True)
            MlflowClient(SQLITE + str(new)).search_experiments(max_results=1)
            os.replace(new, file)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Held by one process at a time, where the system has file locks."""
    with open(path, "w") as lock, contextlib.ExitStack() as after:
        after.callback(path.unlink, missing_ok=True)
        with contextlib.suppress(ImportError):  # Windows has none
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def answered(uri: str) -> Iterator[None]:
    """Turn whatever MLflow raises into one StoreUnavailable line naming the store; ValueError passes.

    The cause is left out: a traceback would show the address with its password.
    """
    try:
        with loads():
            yield
    except (StoreUnavailable, ValueError):
        raise
    except Exception as error:
        raise StoreUnavailable(f"no answer from the store {redacted(uri)}: {reason(error, uri)}") from None
