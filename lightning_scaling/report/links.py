"""Links from a report to its runs in MLflow, where the store is an MLflow server."""

from collections.abc import Callable
from urllib.parse import quote, urlsplit, urlunsplit

from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.address import resolve_uri
from lightning_scaling.store.loading import experiments

Links = Callable[[RunRecord], str]


def no_links(record: RunRecord) -> str:
    """A store without pages of its own."""
    return ""


def mlflow_links(store: str | None) -> Links:
    """The address of a run's page in the server, empty where there is none; without the user and password of the store's address."""
    uri = resolve_uri(store)
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        return no_links
    base = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    numbers = {name: key for key, name in experiments(uri).items()}

    def link(record: RunRecord) -> str:
        number = numbers.get(record.experiment or "")
        return f"{base}/#/experiments/{quote(number)}/runs/{quote(record.run_id)}" if number and record.run_id else ""

    return link
