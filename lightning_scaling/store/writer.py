"""The one thread that talks to disk and store, so that training never does.

Each round: what was handed over goes to the backlog (the spool on disk), the oldest of the backlog to the store. A failure waits
1 s, doubling to 30; one warning is given for the whole outage. The thread is a daemon: a hanging network never keeps a process alive.
"""

import logging
import threading
import time
from pathlib import Path
from typing import Any

from lightning_scaling.store.address import shown
from lightning_scaling.store.backlog import Backlog
from lightning_scaling.store.client import reason
from lightning_scaling.store.inbox import Inbox
from lightning_scaling.store.lines import to_lines
from lightning_scaling.store.patience import impatient
from lightning_scaling.store.sink import Sink
from lightning_scaling.store.spool import Event

MOST_AT_ONCE = 1000
LINGER_SECONDS = 0.2
HEARTBEAT_SECONDS = 60.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
LAST_TRIES = 2  # once closing: at once, and once more after a second
FAILING_SECONDS, ANSWERING_SECONDS = 5.0, 30.0
logger = logging.getLogger("lightning_scaling.store")


class Writer:
    """Carries one run's events from `inbox` to the store. `header` is the spool's; its run_id may be a callable, asked until it answers."""

    def __init__(self, inbox: Inbox, header: dict[str, Any], folder: Path) -> None:
        self._inbox, self._header, self._folder = inbox, header, folder
        self._sink: Sink | None = None
        self._making = threading.Lock()
        self.backlog: Backlog | None = None
        self.warnings: list[str] = []
        self.failure = ""
        self._last_tries = LAST_TRIES
        self._unfit: list[str] = []
        self._pause, self._not_before, self._beat = FIRST_PAUSE, 0.0, time.monotonic()
        self._thread = threading.Thread(target=self._run, name="lightning-scaling-store", daemon=True)

    def start(self) -> None:
        """Begin to carry."""
        self._thread.start()

    @property
    def run_id(self) -> str | None:
        """The MLflow run, once the store has answered."""
        return self._sink.run_id if self._sink else None

    @property
    def refused(self) -> list[str]:
        """Why single entries were not taken."""
        return self._unfit + (self._sink.refused if self._sink else [])

    def finish(self, timeout: float | None) -> Backlog:
        """Wait for the thread (None: 5 s for a store that fails, 30 s for one that only takes its time); what is left goes to the disk."""
        self._inbox.close()
        began = time.monotonic()
        while self._thread.is_alive() and time.monotonic() - began < self._patience(timeout):
            self._thread.join(0.05)
        backlog = self._kept()
        if self._thread.is_alive():
            self._inbox.move(self._keep, patience=1.0)
            backlog.settle()
        return backlog

    def _patience(self, timeout: float | None) -> float:
        if timeout is not None:
            return timeout
        return FAILING_SECONDS if self.failure else ANSWERING_SECONDS

    def _run(self) -> None:
        while not (self._inbox.closed and not len(self._inbox) and (self._last_tries <= 0 or not self._waiting)):
            self._inbox.wait(self._idle())
            closing = self._inbox.closed
            try:
                self._round(closing)
            except Exception as error:
                self._fail(error)
                if closing:
                    self._last_tries -= 1
                    self._inbox.move(self._keep)
        if self.backlog is not None:
            self.backlog.settle()
            self.backlog.close()

    def _round(self, closing: bool) -> None:
        """Keep what came; deliver unless the store is to be left alone for now."""
        if self.backlog is None and not self._attached() and not closing:
            return
        backlog = self._kept()
        self._inbox.move(self._keep)
        if time.monotonic() < self._not_before and not (closing and self._last_tries == LAST_TRIES):
            return
        self._sink = self._sink or Sink(backlog.header, self._header["began_ms"])
        while backlog.waiting:
            events, mark = backlog.peek(MOST_AT_ONCE)
            self._sink.send(events)
            backlog.confirm(mark, len(events))
            self._inbox.move(self._keep)
        self._alive()

    def _alive(self) -> None:
        """The store answers: start from a short pause again, and show a heartbeat between validations."""
        self._pause, self.failure = FIRST_PAUSE, ""
        self._not_before = time.monotonic() + LINGER_SECONDS
        if self._sink and time.monotonic() - self._beat > HEARTBEAT_SECONDS:
            self._sink.beat()
            self._beat = time.monotonic()

    def _fail(self, error: Exception) -> None:
        self.failure = reason(error)
        if self._inbox.closed:
            self._pause = FIRST_PAUSE
        self._not_before = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        if not self.warnings:
            where = self.backlog.disk.path if self.backlog and self.backlog.disk else "memory"
            self.warn(
                f"the store {shown(self._header['uri'])} does not answer; training goes on, its data waits in {where} ({self.failure})"
            )

    def warn(self, sentence: str) -> None:
        """Say it once, in the log and to whoever asks the recorder."""
        self.warnings.append(sentence)
        logger.warning(sentence)

    def _idle(self) -> float:
        """Seconds until there is something to do unasked."""
        if self._waiting or (self.backlog is None and len(self._inbox)):
            return self._not_before - time.monotonic()
        return HEARTBEAT_SECONDS

    @property
    def _waiting(self) -> int:
        return self.backlog.waiting if self.backlog else 0

    def _keep(self, events: list[Event]) -> None:
        self._kept().append(to_lines(events, self._unfit))

    def _attached(self) -> bool:
        """True if it is known which run to write to. A logger that has not made its run yet is asked again soon."""
        if callable(ask := self._header["run_id"]):
            with impatient():
                answer = ask()
            if answer is None:
                self._not_before = time.monotonic() + LINGER_SECONDS
                return False
            self._header["run_id"] = str(answer)
        return True

    def _kept(self) -> Backlog:
        """The backlog, made on first use: by the thread, or by whoever finishes before the thread got that far."""
        with self._making:
            if self.backlog is None:
                run_id = self._header["run_id"]
                self.backlog = Backlog(self._folder, {**self._header, "run_id": None if callable(run_id) else run_id})
            return self.backlog
