"""Where a store lies: the tracking URI in full, the folder of its artifacts, and how it is named in a message."""

import os
from pathlib import Path
from urllib.parse import quote, urlsplit

DEFAULT_URI = "sqlite:///mlflow.db"
SQLITE = "sqlite:///"


def resolve_uri(uri: str | None = None) -> str:
    """The tracking URI with a relative sqlite path made absolute, so that a later change of folder changes nothing.

    None means what MLFLOW_TRACKING_URI says, else `mlflow.db` in the current folder.

    >>> resolve_uri("http://localhost:5000")
    'http://localhost:5000'
    """
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
    if uri.endswith(".db") and "://" not in uri:
        uri = SQLITE + uri
    if not uri.startswith(SQLITE) or uri.startswith(SQLITE + "/"):
        return uri
    return SQLITE + str(Path.cwd() / uri.removeprefix(SQLITE))


def sqlite_file(uri: str) -> Path | None:
    """The database file of a resolved sqlite URI, None for any other store."""
    return Path(uri.removeprefix(SQLITE).partition("?")[0]) if uri.startswith(SQLITE) else None


def artifact_root(uri: str, experiment: str) -> str | None:
    """Artifacts of a local database lie in `mlartifacts` beside it; None leaves the choice to the server.

    MLflow's own default would be `mlruns` in whatever folder the process happens to run in.
    """
    file = sqlite_file(uri)
    return None if file is None else (file.parent / "mlartifacts" / quote(experiment, safe="")).as_uri()


def shown(uri: str) -> str:
    """The URI as it may stand in a message: without user and password.

    >>> shown("postgresql://ada:secret@db:5432/mlflow")
    'postgresql://db:5432/mlflow'
    """
    parts = urlsplit(uri)
    return uri if "@" not in parts.netloc else parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
