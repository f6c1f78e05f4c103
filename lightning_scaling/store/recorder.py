"""What training calls to keep a run: nothing here waits for disk or network, and nothing raises once the recorder is made."""

import atexit
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lightning_scaling.run.record import RunRecord
from lightning_scaling.store import artifacts
from lightning_scaling.store.address import resolve_uri
from lightning_scaling.store.backlog import default_folder
from lightning_scaling.store.delivery import Delivery
from lightning_scaling.store.inbox import Inbox
from lightning_scaling.store.spool import Event
from lightning_scaling.store.writer import Writer

_REPLAYED = ("metrics", "params", "tags")


class Recorder:
    """Records one run in MLflow from a thread of its own, over a spool on disk.

    Args:
        uri: MLflow tracking URI; None for MLFLOW_TRACKING_URI, else `sqlite:///mlflow.db` in the current folder.
        experiment: name of the experiment, made where it is missing.
        run_name: name of the run; None leaves it to MLflow.
        spool_dir: folder of the spool; None for $LIGHTNING_SCALING_SPOOL, else `.lightning-scaling/spool` in the current folder,
            else the temporary folder, else bounded memory.

    >>> recorder = Recorder("sqlite:///mlflow.db", "sizes")
    >>> recorder.run_id is None  # nothing happens before open()
    True
    """

    def __init__(
        self,
        uri: str | None = None,
        experiment: str = "lightning-scaling",
        run_name: str | None = None,
        spool_dir: str | Path | None = None,
    ) -> None:
        self._to: dict[str, Any] = {"uri": resolve_uri(uri), "experiment": experiment, "run_name": run_name}
        self._folder = default_folder() if spool_dir is None else Path(spool_dir).absolute()
        self._inbox = Inbox()
        self._writer: Writer | None = None
        self._closed: Delivery | None = None
        self._record: RunRecord | None = None
        self._process = os.getpid()
        self._time = 0
        self.not_finite = 0

    def open(
        self,
        key: str,
        run_id: str | Callable[[], str | None] | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        replay: Iterable[Event] = (),
    ) -> None:
        """Begin, or go on with, the run of this key.

        Args:
            key: made when training first starts and kept in its checkpoint.
            run_id: an MLflow run to attach to (its status is left to whoever made it), or a callable that the writing thread asks
                until it answers something else than None.
            params, tags: of the run; parameters it has already are left as they are.
            replay: what `pending()` returned when the checkpoint was saved.
        """
        if self._writer is not None:
            return
        self._writer = Writer(self._inbox, {"key": key, "run_id": run_id, "began_ms": self._now(), **self._to}, self._folder)
        for event in replay:
            if isinstance(event, dict) and event.get("kind") in _REPLAYED:
                self._inbox.put(event)
        self._put("status", status="RUNNING")
        self.params(params or {})
        self.tags(tags or {})
        atexit.register(self._at_exit)
        self._writer.start()

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """One point of each key at `step`. NaN and inf are left out and counted (MLflow would store inf as 1.8e308)."""
        finite = {str(key): float(value) for key, value in values.items() if _is_finite(value)}
        self.not_finite += len(values) - len(finite)
        if finite:
            self._put("metrics", step=int(step), values=finite)

    def params(self, values: Mapping[str, Any]) -> None:
        """Facts that hold for the whole run."""
        if values:
            self._put("params", values={str(k): str(v) for k, v in values.items()})

    def tags(self, values: Mapping[str, Any]) -> None:
        """Words that may change; the last one stands."""
        if values:
            self._put("tags", values={str(k): str(v) for k, v in values.items()})

    def record(self, record: RunRecord) -> None:
        """The run as it stands; the last one stands. Thinned into the run's tags, whole as an artifact at the end."""
        self._record = record
        self._put("record", record=record, whole=False)

    def artifact(self, name: str, content: str | bytes) -> None:
        """A file of the run, e.g. "figures/run.png".

        Raises:
            ValueError: a name that leads out of the run's folder.
        """
        event = artifacts.event(name, content)
        self._put(event.pop("kind"), **event)

    def pending(self) -> list[Event]:
        """What has not reached the disk yet, to be kept in the checkpoint and given to `open` on resume. Usually empty."""
        return [event for event in self._inbox.waiting() if event["kind"] in _REPLAYED]

    def close(self, status: str | None = "FINISHED", timeout: float | None = None) -> Delivery:
        """End the run and wait for the store, within bounds; what it did not take is said once and lies in the spool.

        Args:
            status: "FINISHED", "FAILED" or "KILLED"; None leaves the run's status.
            timeout: seconds to wait at most; None waits 5 s for a store that fails and 30 s for one that only takes its time.
        """
        if self._closed is not None or self._writer is None:
            return self._closed or Delivery("", self._to["uri"])
        if self._record is not None:
            self._put("record", record=self._record, whole=True)
        if status is not None:
            self._put("status", status=status)
        backlog = self._writer.finish(timeout)
        self._closed = Delivery.of(self._writer, backlog, self._inbox)
        if not self._closed.delivered:
            self._writer.warn(str(self._closed))
        atexit.unregister(self._at_exit)
        return self._closed

    @property
    def run_id(self) -> str | None:
        """The MLflow run's id, None until the store has answered."""
        return self._writer.run_id if self._writer else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was said: at most one sentence on an outage, and one at the end on what was not stored."""
        return tuple(self._writer.warnings) if self._writer else ()

    @property
    def lost(self) -> int:
        """Events that neither store nor disk nor memory took."""
        backlog = self._writer.backlog if self._writer else None
        return self._inbox.lost + (backlog.lost if backlog else 0)

    def _put(self, kind: str, **what: Any) -> None:
        self._inbox.put({"kind": kind, "t": self._now(), **what})

    def _now(self) -> int:
        """Milliseconds since 1970, never falling within a run."""
        self._time = max(self._time, int(time.time() * 1000))
        return self._time

    def _at_exit(self) -> None:
        if os.getpid() == self._process:
            self.close(status=None)


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except (TypeError, ValueError, OverflowError):
        return False
