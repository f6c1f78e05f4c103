"""What became of a run's events, and the delivery of what an earlier process left on disk."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning_scaling.store.address import resolve_uri
from lightning_scaling.store.journal.journal import Journal
from lightning_scaling.store.journal.lock import Held
from lightning_scaling.store.journal.opening import SUFFIX, continue_journal, default_folder
from lightning_scaling.store.journal.proved import NotOurs, check_folder, header_of
from lightning_scaling.store.redaction import HIDDEN, reason, redacted
from lightning_scaling.store.sink import Sink, open_sink

if TYPE_CHECKING:
    from lightning_scaling.store.journal.writer import Writer

MOST_AT_ONCE = 1000
CREDENTIALS = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_TOKEN")  # what MLflow itself reads


@dataclass(frozen=True)
class Delivery:
    """How a run's delivery ended; as text, the sentence for its owner.

    Args:
        key, uri: the run and where it belongs (without secrets).
        sent: events delivered by this call (`deliver` only).
        waiting: events that lie in `spool`.
        lost: events that neither the store nor the disk took.
        refused: why the store refused single events.
        damaged: why lines of the journal could not be read; they lie beside it in a file `.damaged`.
        spool: the file that holds what waits.
        because: what the store answered last.
        skipped: True for a file that is no journal of this user's; it was left as it is.
    """

    key: str
    uri: str
    sent: int = 0
    waiting: int = 0
    lost: int = 0
    refused: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    spool: Path | None = None
    because: str = ""
    skipped: bool = False

    @classmethod
    def of(cls, writer: "Writer", unfit: list[str]) -> "Delivery":
        """The state of a recorder that was closed."""
        backlog = writer.backlog
        header, lost, waiting = backlog.header, backlog.lost, backlog.waiting
        spool = backlog.disk.path if backlog.disk and waiting else None
        because = "; ".join(filter(None, (writer.failure, backlog.trouble if lost or not writer.failure else "")))
        refused = (*unfit, *writer.refused)
        return cls(header["key"], header["uri"], 0, waiting, lost, refused, tuple(writer.damaged), spool, because)

    @property
    def delivered(self) -> bool:
        """True if the store has everything."""
        return not (self.waiting or self.lost or self.refused or self.damaged or self.skipped)

    def __str__(self) -> str:
        if self.skipped:
            return self.because
        parts = list(self._parts())
        if not parts:
            return f"run {self.key} is in {self.uri}" + (f" ({_several(self.sent)} delivered)" if self.sent else "")
        return "; ".join(parts) + (f" ({self.because})" if self.because else "")

    def _parts(self) -> Iterator[str]:
        if self.waiting:
            yield f"{_several(self.waiting)} of run {self.key} {_are(self.waiting)} not in {self.uri} yet: they lie in {self.spool}"
            yield f"`lightning-scaling flush {self.spool.parent if self.spool else ''}` delivers them"
        if self.lost:
            yield f"{_several(self.lost)} of run {self.key} {_are(self.lost)} lost: neither {self.uri} nor the disk took them"
        if self.refused:
            yield f"{self.uri} refused {_several(len(self.refused))} of run {self.key}: {self.refused[0]}"
        if self.damaged:
            bad = len(self.damaged)
            kept = "is damaged and was" if bad == 1 else "are damaged and were"
            yield f"{_several(bad, 'line', 'lines')} of the journal of run {self.key} {kept} set aside ({self.damaged[0]})"


def deliver(folder: str | Path | None = None, store: str | None = None, migrate: bool = False, key: str | None = None) -> list[Delivery]:
    """Deliver every journal in `folder` (default: where recorders leave them), oldest first.

    A run still being written is left to its process. A store that does not answer is asked once per run; what it did not take stays.

    Args:
        store: full address of a store whose password a journal does not hold; else MLFLOW_TRACKING_URI is tried.
        migrate: whether a database of an older MLflow version may be migrated.
        key: of the one run whose journals are delivered; None for all.

    Raises:
        ValueError: no such folder, or one in which other users may have put files.
    """
    if folder is None and not default_folder().exists():
        return []
    folder = default_folder() if folder is None else Path(folder)
    if not folder.is_dir():
        raise ValueError(f"no folder {folder}: nothing waits there")
    check_folder(folder)
    results = []
    for path in sorted(folder.glob(f"{key or ''}*{SUFFIX}"), key=_age):
        with contextlib.suppress(Held):
            if (done := _deliver_file(path, store, migrate)) is not None:
                results.append(done)
    return results


def _deliver_file(path: Path, store: str | None, migrate: bool) -> Delivery | None:
    """None for an empty file: its process was killed, or its disk full, before the first line."""
    try:
        if header_of(path) is None:
            return None
        journal = continue_journal(path)
    except Held:
        raise
    except NotOurs as error:
        return Delivery(path.stem, "", spool=path, because=str(error), skipped=True)
    except OSError as error:
        return Delivery(path.stem, "", waiting=1, spool=path, because=str(error))
    try:
        return _deliver(journal, store, migrate)
    finally:
        journal.close()


def _deliver(journal: Journal, store: str | None, migrate: bool) -> Delivery:
    header, uri, sent, because = journal.header, "", 0, ""
    sink: Sink | None = None
    damaged: list[str] = []
    try:
        uri = _with_secrets(header, store)
        sink = open_sink(uri, header, migrate=migrate)
        while journal.waiting:
            portion = journal.peek(MOST_AT_ONCE)
            if portion.events:
                sink.send(portion.events)
            journal.confirm(portion)
            sent += len(portion.events)
            damaged += portion.reasons
    except Exception as error:
        because = reason(error, uri)
    refused = tuple(sink.refused) if sink else ()
    spool = journal.path if journal.waiting else None
    return Delivery(header["key"], redacted(header["uri"]), sent, journal.waiting, 0, refused, tuple(damaged), spool, because)


def _with_secrets(header: Mapping[str, Any], store: str | None) -> str:
    """The full address of a store; a journal does not hold its password.

    Raises:
        ValueError: nobody gave it.
    """
    uri: str = header["uri"]
    for given in (store, os.environ.get("MLFLOW_TRACKING_URI")):
        if given and redacted(resolve_uri(given)) == redacted(uri):
            return resolve_uri(given)
    if header.get("secret") and not (uri.startswith("http") and HIDDEN not in uri and any(map(os.environ.get, CREDENTIALS))):
        raise ValueError(f"the password of {uri} is not kept on disk; give the full address with --store or MLFLOW_TRACKING_URI")
    return uri


def _several(number: int, one: str = "entry", more: str = "entries") -> str:
    return f"{number} {one if number == 1 else more}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _age(path: Path) -> tuple[float, str]:
    return os.lstat(path).st_mtime, path.name


def as_json(delivery: Delivery) -> dict[str, Any]:
    """Plain values for `flush --json`."""
    return {**vars(delivery), "spool": delivery.spool and str(delivery.spool), "delivered": delivery.delivered}
