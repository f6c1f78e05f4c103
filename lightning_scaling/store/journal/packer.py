"""Packs a run's record for the journal in a thread of its own: 5 ms of work that neither training nor a hanging network may pay for."""

import json
import threading
from collections.abc import Callable

from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.journal.event import Event, artifact_event
from lightning_scaling.store.record_packing import pack, plain


class Packer:
    """The newest record wins: one that arrives while another is being packed replaces whatever waits.

    Args:
        keep: takes the events.
        refuse: takes the reason why a record cannot be kept.
    """

    def __init__(self, keep: Callable[[list[Event]], None], refuse: Callable[[str], None]) -> None:
        self._keep, self._refuse = keep, refuse
        self._newest: tuple[RunRecord, int] | None = None
        self._last: RunRecord | None = None
        self._wake = threading.Condition()
        self._packing = self._closed = False
        self._thread: threading.Thread | None = None

    def put(self, record: RunRecord, when: int) -> None:
        """Leave a record (microseconds)."""
        with self._wake:
            self._newest, self._last = (record, when), record
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lightning-scaling-records", daemon=True)
                self._thread.start()
            self._wake.notify_all()

    def close(self, when: int, seconds: float = 5.0) -> None:
        """Wait until the newest is kept, then keep the whole record as a file of the run, not thinned."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
            self._wake.wait_for(lambda: self._newest is None and not self._packing, seconds)
        if self._last is not None:
            self._try(record_file, self._last, when)

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._newest is not None or self._closed)
                if self._newest is None:
                    return
                (record, when), self._newest, self._packing = self._newest, None, True
            self._try(_event, record, when)
            with self._wake:
                self._packing = False
                self._wake.notify_all()

    def _try(self, make: Callable[[RunRecord, int], Event], record: RunRecord, when: int) -> None:
        try:
            self._keep([make(record, when)])
        except Exception as error:
            self._refuse(f"the record cannot be kept: {str(error) or type(error).__name__}")


def record_file(record: RunRecord, when: int) -> Event:
    """The record in full as an artifact of the run."""
    return {"t": when, **artifact_event("scaling/record.json", json.dumps(record.to_json(), default=plain))}


def _event(record: RunRecord, when: int) -> Event:
    return {"kind": "record", "t": when, "family": record.family or "", "packed": pack(record)}
