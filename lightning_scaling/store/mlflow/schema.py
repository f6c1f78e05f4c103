"""Whether a database has the tables of the MLflow that is installed here.

MLflow migrates a database of an older version by merely opening it, and the older MLflow cannot open it any more. Here nothing is migrated
unless that was asked for.
"""

from functools import cache
from typing import Any

from lightning_scaling.store.failures import StoreUnusable
from lightning_scaling.store.redaction import redacted

_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_same: set[str] = set()


def check_schema(uri: str, migrate: bool = False) -> None:
    """Nothing for a server, an empty database, or one of this MLflow version; an older one is migrated with `migrate`.

    Raises:
        StoreUnusable: a database of another version.
    """
    if uri in _same or not uri.startswith(_DATABASES):
        return
    found, expected = _revision(uri), _revisions()[0]
    if found is None or found == expected:
        _same.add(uri)
    elif found not in _revisions():
        raise StoreUnusable(f"{_words(uri, found, 'newer')}; install the MLflow that wrote it")
    elif migrate:
        _migrate(uri)
    else:
        raise StoreUnusable(
            f"{_words(uri, found, 'older')}; nothing was changed. Migrate it with `mlflow db upgrade`, `lightning-scaling flush --migrate` "
            "or load(migrate=True), after which older MLflow cannot open it; or use the MLflow that wrote it"
        )


def _words(uri: str, found: str, age: str) -> str:
    from mlflow import __version__

    return f"the database {redacted(uri)} was written by {age} MLflow (schema {found}; MLflow {__version__} here has {_revisions()[0]})"


def _revision(uri: str) -> str | None:
    """The database's schema; None where it has none yet."""
    import sqlalchemy as sa

    engine = _engine(uri)
    try:
        if not sa.inspect(engine).has_table("alembic_version"):
            return None
        with engine.connect() as database:
            found = database.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
            return None if found is None else str(found)
    finally:
        engine.dispose()


@cache
def _revisions() -> tuple[str, ...]:
    """Every schema that the installed MLflow knows, the newest first."""
    from alembic.script import ScriptDirectory
    from mlflow.store.db import utils

    script = ScriptDirectory.from_config(utils._get_alembic_config(db_url=""))  # type: ignore[no-untyped-call]
    return tuple(each.revision for each in script.walk_revisions())


def _migrate(uri: str) -> None:
    from mlflow.store.db import utils

    engine = _engine(uri)
    try:
        utils._upgrade_db(engine)  # type: ignore[no-untyped-call]
    finally:
        engine.dispose()


def _engine(uri: str) -> Any:
    import sqlalchemy as sa

    return sa.create_engine(uri)
