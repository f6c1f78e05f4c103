"""The thread that delivers a run's journal, so that training never waits for the network.

Each round: the oldest of the backlog goes to the sink. A failure waits 1 s, doubling to 30; one warning is given for the whole outage. The
thread is a daemon: a hanging network never keeps a process alive.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from lightning_scaling.store.failures import in_words
from lightning_scaling.store.journal.backlog import Backlog
from lightning_scaling.store.redaction import reason, redacted
from lightning_scaling.store.sink import Sink

MOST_AT_ONCE = 1000
LINGER_SECONDS = 0.2
HEARTBEAT_SECONDS = 60.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
LAST_TRIES = 2  # once closing: at once, and once more after a second
FAILING_SECONDS, ANSWERING_SECONDS = 5.0, 30.0
logger = logging.getLogger("lightning_scaling.store")


class Writer:
    """Carries one run's events from `backlog` to a sink.

    Args:
        uri: of the store, with its secrets; needed to keep them out of messages.
        make_sink: called in this thread, with the journal's header, once it is known which run to write into.
        ask: for a run that somebody else makes: asked until it answers something else than None.
    """

    def __init__(
        self, backlog: Backlog, uri: str, make_sink: Callable[[dict[str, Any]], Sink], ask: Callable[[], str | None] | None = None
    ) -> None:
        self.backlog, self._uri, self._make_sink, self._ask = backlog, uri, make_sink, ask
        self._sink: Sink | None = None
        self._wake = threading.Event()
        self._closing = False
        self._last_tries = LAST_TRIES
        self.warnings: list[str] = []
        self.failure = ""
        self.damaged: list[str] = []
        self._pause, self._not_before, self._beat = FIRST_PAUSE, 0.0, time.monotonic()
        self._thread = threading.Thread(target=self._run, name="lightning-scaling-store", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to deliver."""
        if not self._wake.is_set():
            self._wake.set()

    @property
    def run_id(self) -> str | None:
        """The store's id of the run, once it has answered."""
        return self._sink.run_id if self._sink else None

    @property
    def refused(self) -> list[str]:
        """Why single events were not taken."""
        return self._sink.refused if self._sink else []

    def finish(self, timeout: float | None) -> None:
        """Wait for the thread (None: 5 s for a store that fails, 30 s for one that only takes its time); what is left is on the disk."""
        self._closing = True
        self._wake.set()
        began = time.monotonic()
        while self._thread.is_alive() and time.monotonic() - began < self._limit(timeout):
            self._thread.join(0.05)
        if self._thread.is_alive():
            self.backlog.settle()

    def warn(self, sentence: str) -> None:
        """Once, in the log and for whoever asks the recorder."""
        self.warnings.append(sentence)
        logger.warning(sentence)

    def _limit(self, timeout: float | None) -> float:
        if timeout is not None:
            return timeout
        return FAILING_SECONDS if self.failure else ANSWERING_SECONDS

    def _run(self) -> None:
        while not (self._closing and (self._last_tries <= 0 or not self.backlog.waiting)):
            self._wake.wait(max(0.0, self._idle()))
            self._wake.clear()
            closing = self._closing
            try:
                self._round(closing)
            except Exception as error:
                self._fail(error)
                self._last_tries -= closing
            self.backlog.upkeep()
        self.backlog.settle()
        self.backlog.close()

    def _round(self, closing: bool) -> None:
        """Deliver, unless the store is to be left alone for now or it is not known yet which run to write into."""
        if time.monotonic() < self._not_before and not (closing and self._last_tries == LAST_TRIES):
            return
        if not self._attached(closing):
            self._not_before = time.monotonic() + LINGER_SECONDS
            return
        self._sink = self._sink or self._make_sink(self.backlog.header)
        while self.backlog.waiting:
            portion = self.backlog.peek(MOST_AT_ONCE)
            if portion.events:
                self._sink.send(portion.events)
            self.backlog.confirm(portion)
            self.damaged += portion.reasons
        self._answered()

    def _answered(self) -> None:
        """The store answers: start from a short pause again, and show a heartbeat between validations."""
        self._pause, self.failure = FIRST_PAUSE, ""
        self._not_before = time.monotonic() + LINGER_SECONDS
        if self._sink and time.monotonic() - self._beat > HEARTBEAT_SECONDS:
            self._sink.beat()
            self._beat = time.monotonic()

    def _fail(self, error: Exception) -> None:
        self.failure = reason(error, self._uri)
        if self._closing:
            self._pause = FIRST_PAUSE
        self._not_before = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        if not self.warnings:
            where = self.backlog.disk.path if self.backlog.disk else "memory"
            state = f"the store {redacted(self._uri)} {in_words(error)}"
            self.warn(f"{state}; training continues, its data waits in {where} ({self.failure})")

    def _attached(self, closing: bool) -> bool:
        if self._ask is None:
            return True
        answer = self._ask()
        if answer is not None:
            self._ask = None
            self.backlog.attach(str(answer))
        return answer is not None or closing

    def _idle(self) -> float:
        """Seconds until there is something to do unasked."""
        return self._not_before - time.monotonic() if self.backlog.waiting else HEARTBEAT_SECONDS
