"""What became of a run's events, and the delivery of what an earlier process left on disk."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_scaling.store.address import shown
from lightning_scaling.store.backlog import Backlog, default_folder
from lightning_scaling.store.client import reason
from lightning_scaling.store.holding import Held, Hold
from lightning_scaling.store.sink import Sink
from lightning_scaling.store.spool import Spool

if TYPE_CHECKING:
    from lightning_scaling.store.inbox import Inbox
    from lightning_scaling.store.writer import Writer

_MOST_AT_ONCE = 1000


@dataclass(frozen=True)
class Delivery:
    """How a run's delivery ended; as text, the sentence for its owner.

    Args:
        key, uri: the run and where it belongs.
        sent: entries delivered by this call (`deliver` only).
        waiting: entries that lie in `spool`.
        lost: entries that neither the store nor the disk took.
        refused: entries the store refused for what they are, with its reason.
        spool: the file that holds what waits.
        because: what the store answered last.
    """

    key: str
    uri: str
    sent: int = 0
    waiting: int = 0
    lost: int = 0
    refused: tuple[str, ...] = ()
    spool: Path | None = None
    because: str = ""

    @classmethod
    def of(cls, writer: "Writer", backlog: Backlog, inbox: "Inbox") -> "Delivery":
        """The state of a recorder that was closed."""
        header, lost = backlog.header, inbox.lost + len(inbox) + backlog.lost
        spool = backlog.disk.path if backlog.disk and backlog.waiting else None
        because = "; ".join(filter(None, (writer.failure, backlog.trouble if lost or not writer.failure else "")))
        return cls(header["key"], header["uri"], 0, backlog.waiting, lost, tuple(writer.refused), spool, because)

    @property
    def delivered(self) -> bool:
        """True if the store has everything."""
        return not (self.waiting or self.lost or self.refused)

    def __str__(self) -> str:
        where, parts = shown(self.uri), []
        if self.waiting:
            parts.append(f"{self.waiting} entries of run {self.key} are not in {where} yet: they lie in {self.spool}; ")
            parts.append(f"`lightning-scaling flush {self.spool.parent if self.spool else ''}` delivers them")
        if self.lost:
            parts.append(f"{'; ' if parts else ''}{self.lost} entries of run {self.key} are lost: neither {where} nor the disk took them")
        if self.refused:
            parts.append(f"{'; ' if parts else ''}{where} refused {len(self.refused)} entries of run {self.key}: {self.refused[0]}")
        if not parts:
            return f"run {self.key} is in {where}" + (f" ({self.sent} entries delivered)" if self.sent else "")
        return "".join(parts) + (f" ({self.because})" if self.because else "")


def deliver(folder: str | Path | None = None) -> list[Delivery]:
    """Deliver every spool in `folder` (default: where recorders leave them), oldest first.

    A run still being written is left to its process. A store that does not answer is asked once per run; what it did not take stays.

    Raises:
        ValueError: no such folder.
    """
    folder = default_folder() if folder is None else Path(folder)
    if not folder.is_dir():
        raise ValueError(f"no folder {folder}: nothing waits there")
    results = []
    for path in sorted(folder.glob("*.jsonl"), key=lambda p: (p.stat().st_mtime, p.name)):
        with contextlib.suppress(Held):
            if not _cleared(path):
                results.append(_deliver_one(path))
    return results


def _cleared(path: Path) -> bool:
    """True if the file was empty and is gone: its process was killed, or its disk full, before the first line."""
    if path.stat().st_size:
        return False
    hold = Hold(path)
    path.unlink(missing_ok=True)
    hold.release()
    return True


def _deliver_one(path: Path) -> Delivery:
    try:
        spool = Spool(path)
    except Held:
        raise
    except (OSError, ValueError) as error:
        return Delivery(path.stem, str(path), waiting=1, spool=path, because=reason(error))
    sink, sent, because = Sink(spool.header), 0, ""
    try:
        while spool.waiting:
            events, mark = spool.peek(_MOST_AT_ONCE)
            sink.send(events)
            spool.confirm(mark, len(events))
            sent += len(events)
    except Exception as error:
        because = reason(error)
    spool.close()
    left = (spool.waiting, path) if spool.waiting else (0, None)
    return Delivery(spool.header["key"], spool.header["uri"], sent, left[0], 0, tuple(sink.refused), left[1], because)
