"""What training calls to keep a run: on disk when a call returns, in the store as soon as that answers. No call waits for a network."""

import atexit
import contextlib
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.address import resolve_uri
from lightning_scaling.store.delivery import Delivery
from lightning_scaling.store.journal.backlog import Backlog
from lightning_scaling.store.journal.event import Damaged, Event, artifact_event, from_line, to_line
from lightning_scaling.store.journal.opening import default_folder
from lightning_scaling.store.journal.packer import Packer
from lightning_scaling.store.journal.writer import Writer
from lightning_scaling.store.redaction import redacted
from lightning_scaling.store.sink import open_sink

_REPLAYED = ("metrics", "params", "tags")


def open_recorder(
    store: str | Path | None,
    key: str,
    *,
    experiment: str = "lightning-scaling",
    run_name: str | None = None,
    run_id: str | Callable[[], str | None] | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    replay: Iterable[Event] = (),
    spool_dir: str | Path | None = None,
) -> "Recorder":
    """Begin, or continue, the run of this key.

    Args:
        store: MLflow tracking URI, `name.db`, a folder of JSON and CSV ("runs/"); None for MLFLOW_TRACKING_URI, else `mlflow.db` in the
            current folder.
        key: made when training first starts and kept in its checkpoint.
        experiment: made where it is missing.
        run_name: None leaves it to the store.
        run_id: an MLflow run to write into (its status is left to whoever made it), or a callable that is asked now and then by the store's
            thread, until it answers something else than None.
        params, tags: of the run; parameters it has already are left as they are.
        replay: what `pending()` returned when the checkpoint was saved.
        spool_dir: folder of the journal; None for $LIGHTNING_SCALING_SPOOL, else this user's folder for the state of programs.
    """
    uri, began = resolve_uri(store), int(time.time() * 1000)
    run_id, ask = _known(run_id)
    header = {"key": key, "uri": redacted(uri), "experiment": experiment, "run_name": run_name, "began_ms": began}
    header |= {"run_id": run_id, **({"attach": True} if ask else {})}
    header |= {"secret": True} if header["uri"] != uri else {}
    folder = default_folder() if spool_dir is None else Path(spool_dir).absolute()
    backlog = Backlog(folder, header)
    recorder = Recorder(uri, Writer(backlog, uri, lambda header: open_sink(uri, header, began), ask))
    recorder.replay(replay)
    recorder.status("RUNNING")
    recorder.params(params or {})
    recorder.tags(tags or {})
    recorder.start()
    return recorder


class Recorder:
    """Records one run; `open_recorder` makes one.

    Args:
        uri: resolved address of the store, with its secrets.
    """

    def __init__(self, uri: str, writer: Writer) -> None:
        self.store = redacted(uri)
        self._writer = writer
        self._unfit: list[str] = []
        self._packer = Packer(self._keep, self._unfit.append)
        self._closed: Delivery | None = None
        self._process = os.getpid()
        self._time = 0
        self.not_finite = 0

    def start(self) -> None:
        """Begin to deliver."""
        atexit.register(self._at_exit)
        self._writer.start()

    def replay(self, events: Iterable[Event]) -> None:
        """What a checkpoint kept; whatever is none of our events is left out."""
        for event in events:
            with contextlib.suppress(Damaged, TypeError, ValueError):
                if from_line(to_line(event))["kind"] in _REPLAYED:
                    self._keep([event])

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """One point of each key at `step`. NaN and inf are left out and counted (MLflow would store inf as 1.8e308)."""
        finite = {str(key): float(value) for key, value in values.items() if _is_finite(value)}
        self.not_finite += len(values) - len(finite)
        if finite:
            self._put("metrics", step=int(step), values=finite)

    def params(self, values: Mapping[str, Any]) -> None:
        """What holds for the whole run."""
        if values:
            self._put("params", values={str(k): str(v) for k, v in values.items()})

    def tags(self, values: Mapping[str, Any]) -> None:
        """Words that may change; the last one counts."""
        if values:
            self._put("tags", values={str(k): str(v) for k, v in values.items()})

    def status(self, status: str) -> None:
        """ "RUNNING", "FINISHED", "FAILED" or "KILLED"."""
        self._put("status", status=status)

    def record(self, record: RunRecord) -> None:
        """The run so far; the last one counts. Packed by a thread, written whole as an artifact at the end."""
        if self._is_open():
            self._packer.put(record, self._now())

    def artifact(self, name: str, content: str | bytes) -> None:
        """A file of the run, e.g. "figures/run.png".

        Raises:
            ValueError: a name that leads out of the run's folder.
        """
        event = artifact_event(name, content)
        self._put(event.pop("kind"), **event)

    def pending(self) -> list[Event]:
        """What no disk has taken yet, to be kept in the checkpoint and given to `open_recorder` on resume. Usually empty."""
        return [event for event in self._writer.backlog.in_memory() if event["kind"] in _REPLAYED]

    def close(self, status: str | None = "FINISHED", timeout: float | None = None) -> Delivery:
        """End the run and wait for the store, within bounds; what it did not take is reported once and lies in the journal.

        Args:
            status: "FINISHED", "FAILED" or "KILLED"; None leaves the run's status.
            timeout: seconds to wait at most; None waits 5 s for a store that fails and 30 s for one that only takes its time.
        """
        if self._closed is not None:
            return self._closed
        self._packer.close(self._now())
        if status is not None:
            self.status(status)
        self._writer.finish(timeout)
        self._closed = Delivery.of(self._writer, self._unfit)
        if not self._closed.delivered:
            self._writer.warn(str(self._closed))
        atexit.unregister(self._at_exit)
        return self._closed

    @property
    def run_id(self) -> str | None:
        """The store's id of the run, None until it has answered."""
        return self._writer.run_id

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was logged: at most one sentence on an outage, and one at the end on what was not stored."""
        return tuple(self._writer.warnings)

    @property
    def lost(self) -> int:
        """Events that neither store nor disk nor memory took."""
        return self._writer.backlog.lost

    def _put(self, kind: str, **what: Any) -> None:
        if self._is_open():
            self._keep([{"kind": kind, "t": self._now(), **what}])

    def _keep(self, events: list[Event]) -> None:
        self._writer.backlog.append(events)
        self._writer.wake()

    def _is_open(self) -> bool:
        """False in a forked data worker, too: the run belongs to its parent."""
        return self._closed is None and os.getpid() == self._process

    def _now(self) -> int:
        """Milliseconds since 1970, never falling within a run."""
        self._time = max(self._time, int(time.time() * 1000))
        return self._time

    def _at_exit(self) -> None:
        if os.getpid() == self._process:
            self.close(status=None)


def _known(run_id: str | Callable[[], str | None] | None) -> tuple[str | None, Callable[[], str | None] | None]:
    """(the run's id, whom to ask for it): a logger that has its run already lets the journal of an earlier process be continued."""
    if not callable(run_id):
        return run_id, None
    answer = None
    with contextlib.suppress(Exception):
        answer = run_id()
    return (None, run_id) if answer is None else (str(answer), None)


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except (TypeError, ValueError, OverflowError):
        return False
