"""How a store can fail, distinguished by what the user has to do."""

import contextlib
from collections.abc import Iterator

from lightning_scaling.store.redaction import reason


class StoreUnavailable(OSError):  # noqa: N818 - named for what happened
    """The store did not answer; the message names it and what it answered instead."""


class StoreUnusable(StoreUnavailable):
    """The store is there and cannot be used from here: a database of another MLflow version, or a library that does not load."""


def in_words(error: BaseException) -> str:
    """What the store does, for a warning: an outage passes, a missing library does not.

    >>> in_words(ConnectionError()), in_words(ModuleNotFoundError())
    ('does not answer', 'cannot be used from here')
    """
    return "cannot be used from here" if isinstance(error, (StoreUnusable, ImportError)) else "does not answer"


@contextlib.contextmanager
def loads() -> Iterator[None]:
    """A library that is missing or does not fit is no outage: it does not pass by itself.

    Raises:
        StoreUnusable: for an ImportError inside.
    """
    try:
        yield
    except ImportError as error:
        remedy = "'sqlalchemy<2.1', or upgrade MLflow" if "sqlalchemy" in str(error) else "'lightning-scaling[mlflow]'"
        raise StoreUnusable(f"MLflow does not load: pip install {remedy} ({reason(error)})") from error
