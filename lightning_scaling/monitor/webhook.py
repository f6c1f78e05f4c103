"""`Webhook`: posts a run's verdicts to an address as JSON, for chats and alerting. It never blocks training and never fails it."""

import atexit
import contextlib
import json
import math
import queue
import threading
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from lightning_scaling.monitor.guard import Guard

WAITING = 100  # verdicts kept for a slow receiver; more are dropped with the warning of a failure


class Webhook:
    """An `on_verdict` that posts the verdict, its reason, and whether to add data.

    Args:
        url: http(s) address; what it holds beside scheme and host is never printed, as it may be a secret.
        timeout: seconds for one post.
        run_name: sent with each message as `run`.

    Raises:
        ValueError: no http(s) address, or a timeout that is not positive.

    >>> Webhook("https://hooks.example.com/services/T0/SECRET")
    Webhook(https://hooks.example.com/...)
    """

    def __init__(self, url: str, timeout: float = 5.0, run_name: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a webhook needs an address such as https://example.com/hook")
        if not timeout > 0:
            raise ValueError(f"timeout must be a positive number of seconds, got {timeout}")
        self._url, self.timeout, self.run_name = url, timeout, run_name
        self._place = f"{parts.scheme}://{parts.hostname}/..."
        self._guard = Guard()
        self._messages: queue.Queue[bytes | None] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"Webhook({self._place})"

    def __reduce__(self) -> Any:
        """A copy has a thread of its own."""
        return (Webhook, (self._url, self.timeout, self.run_name))

    def __call__(self, advice: Any) -> None:
        """Post this advice soon. Returns at once."""
        message = json.dumps(payload(advice, self.run_name)).encode()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, daemon=True, name="scaling-webhook")
            self._thread.start()
            atexit.unregister(self.close)
            atexit.register(self.close)
        try:
            self._messages.put_nowait(message)
        except queue.Full:
            self._failed("it answers too slowly")

    def _work(self) -> None:
        while (message := self._messages.get()) is not None:
            try:
                self._post(message)
            except Exception as error:
                self._failed(_cause(error))

    def _post(self, message: bytes) -> None:
        request = urllib.request.Request(self._url, message, {"Content-Type": "application/json"}, method="POST")
        with urllib.request.urlopen(request, timeout=self.timeout):
            pass

    def _failed(self, cause: str) -> None:
        self._guard.warn("webhook", f"a verdict was not posted to {self._place}: {cause}; later verdicts are tried again")

    def close(self) -> None:
        """Wait for what is still to be posted, no longer than one timeout and a second. The end of the process does this by itself."""
        thread, self._thread = self._thread, None
        if thread is not None and thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._messages.put_nowait(None)
            thread.join(self.timeout + 1)


def payload(advice: Any, run_name: str | None = None) -> dict[str, Any]:
    """What is posted for an advice: names, sentences and numbers; null where a number is not known."""
    expected = advice.forecast
    numbers = {"forecast_loss": "loss", "forecast_low": "low", "forecast_high": "high"}
    found = {key: _number(getattr(expected, name, None)) for key, name in numbers.items()}
    return {
        "run": run_name,
        "verdict": advice.verdict.name,
        "because": advice.because,
        "add_data": advice.add_data.name,
        "add_data_because": advice.add_data_because,
        "tokens": advice.facts.get("tokens"),
        "token_budget": advice.facts.get("planned_tokens"),
        "plateau_probability": _number(advice.plateau_probability),
        **found,
    }


def _number(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _cause(error: Exception) -> str:
    """Why a post failed, without the address: some errors quote it."""
    if isinstance(error, urllib.error.HTTPError):
        return f"it answered {error.code}"
    reason = getattr(error, "reason", error)
    return "no answer in time" if isinstance(reason, TimeoutError) else f"it cannot be reached ({type(reason).__name__})"
