"""Where a store lies: its address in full, whether it is a local folder or a database file, and its name without secrets."""

import os
import re
from pathlib import Path
from urllib.parse import quote

from lightning_scaling.store.redaction import redacted

DEFAULT_URI = "sqlite:///mlflow.db"
SQLITE = "sqlite:///"
_LOGIN = re.compile(r"[^/:@]+:[^/@]+@")
_NAMES_OF_MLFLOW = ("databricks", "databricks-uc", "uc")


def resolve_uri(uri: str | Path | None = None) -> str:
    """The address in full, relative paths made absolute, so that a later change of folder changes nothing. It may hold a password.

    None means MLFLOW_TRACKING_URI, else `mlflow.db` in the current folder. A path without a scheme is a folder of JSON and CSV
    (`name.db`: an SQLite file of MLflow; a folder that MLflow itself has filled stays MLflow's).

    Raises:
        ValueError: a user and a password without a scheme before them, which would become the name of a folder.

    >>> resolve_uri("http://localhost:5000")
    'http://localhost:5000'
    """
    uri = str(uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI)
    if "://" not in uri and not uri.startswith((*_NAMES_OF_MLFLOW, "file:")):
        if _LOGIN.search(uri):
            raise ValueError(
                "the address of a store holds a password and no scheme: write http://, https:// or that of the database before it"
            )
        if not uri.endswith(".db"):
            folder = Path(uri).expanduser().absolute()
            return folder.as_uri() if _is_file_store(folder) else str(folder)
        uri = SQLITE + uri
    if not uri.startswith(SQLITE) or uri.startswith(SQLITE + "/"):
        return uri
    return SQLITE + str(Path.cwd() / uri.removeprefix(SQLITE))


def store_name(uri: str | Path | None = None) -> str:
    """The store as it may be shown, logged and saved: its address without user, password, token and query.

    >>> store_name("http://ada:secret@mlflow.example.org")
    'http://mlflow.example.org'
    """
    return redacted(resolve_uri(uri))


def local_folder(uri: str) -> Path | None:
    """The folder of a resolved address that is a folder store; None for MLflow's."""
    return Path(uri) if "://" not in uri and Path(uri).is_absolute() else None


def sqlite_file(uri: str) -> Path | None:
    """The database file of a resolved sqlite URI, None for any other store."""
    return Path(uri.removeprefix(SQLITE).partition("?")[0]) if uri.startswith(SQLITE) else None


def artifact_root(uri: str, experiment: str) -> str | None:
    """Artifacts of a local database lie in `mlartifacts` beside it; None leaves the choice to the server.

    MLflow's own default would be `mlruns` in whatever folder the process happens to run in.
    """
    file = sqlite_file(uri)
    return None if file is None else (file.parent / "mlartifacts" / quote(experiment, safe="")).as_uri()


def _is_file_store(folder: Path) -> bool:
    return any(folder.glob("*/meta.yaml"))
