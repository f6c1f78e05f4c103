"""How long MLflow may try, and how much it may print, in our own threads only.

MLflow retries a dead server for minutes (7 retries of up to 120 s), reads that from process-wide environment variables, and prints a
link (with the password of the address, in old versions) and a line per table it makes. Here its settings ask the calling thread first, so
that the user's own MLFlowLogger keeps what it was given.
"""

import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Any

from lightning_scaling.store.failures import loads

REQUEST_SECONDS = 10
_SECONDS = "MLFLOW_HTTP_REQUEST_TIMEOUT"
_OURS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": 0, "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": True, _SECONDS: 0}
_CHATTY = ("alembic.runtime.migration", "mlflow.store.db.utils", "mlflow.tracking._tracking_service.client")
_here = threading.local()
_patching = threading.Lock()


@contextlib.contextmanager
def short_timeouts(seconds: int | None = None) -> Iterator[None]:
    """Inside, MLflow calls of this thread try once, wait at most `seconds` (None: 10) for an answer, and only warn."""
    _patch()
    before, _here.settings = _settings(), {**_OURS, _SECONDS: seconds or REQUEST_SECONDS}
    try:
        yield
    finally:
        _here.settings = before


def _settings() -> dict[str, Any] | None:
    return getattr(_here, "settings", None)


def _patch() -> None:
    """Make MLflow's settings and loggers ask the calling thread first. Once per process; settings a version lacks are left alone."""
    with loads():
        from mlflow import environment_variables

    with _patching:
        for name in _OURS:
            setting = getattr(environment_variables, name, None)
            if setting is not None and "get" not in vars(setting):
                setting.get = _thread_first(name, setting.get)
        for name in _CHATTY:
            logging.getLogger(name).addFilter(_only_warnings)  # adding it again changes nothing


def _thread_first(name: str, usual: Any) -> Any:
    def get() -> Any:
        settings = _settings()
        return usual() if settings is None else settings[name]

    return get


def _only_warnings(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or _settings() is None
