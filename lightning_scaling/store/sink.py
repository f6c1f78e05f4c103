"""What a store must be able to do to take a run, and which one an address means."""

from collections.abc import Mapping
from typing import Any, Protocol

from lightning_scaling.store.address import local_folder
from lightning_scaling.store.journal.event import Event


class Sink(Protocol):
    """Takes one run's events, in order. The same events may come again (a process was killed before it noted the answer): twice is once."""

    run_id: str | None
    refused: list[str]  # why single events were not taken, e.g. for an impossible name; they are not sent again

    def send(self, events: list[Event]) -> None:
        """Deliver, or raise: then the same events come again later."""

    def beat(self) -> None:
        """Show that the run is alive between validations."""


def open_sink(uri: str, header: Mapping[str, Any], since: int | None = None, migrate: bool = False) -> Sink:
    """The sink of a store; nothing is read or written before the first `send`.

    Args:
        uri: resolved address, with its secrets.
        header: of the journal: key, experiment, run_name, began_ms, run_id (an MLflow run to write into, or None).
        since: ms since 1970 when the training process began, which makes its words the newest; None for what an earlier process left.
        migrate: whether a database of an older MLflow version may be migrated.
    """
    if (folder := local_folder(uri)) is not None:
        from lightning_scaling.store.folder import FolderSink

        return FolderSink(folder, header)
    from lightning_scaling.store.mlflow.sink import MlflowSink

    return MlflowSink(uri, header, since, migrate)
