"""The webhook against real servers on this machine: one that answers, one that hangs, one that refuses, one that is not there."""

import json
import pickle
import socket
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lightning_scaling.advice.result import Advice
from lightning_scaling.advice.verdict import Reason, Verdict
from lightning_scaling.monitor.run_monitor import RunMonitor
from lightning_scaling.monitor.webhook import Webhook

ADVICE = Advice(Verdict.TOO_EARLY, Reason.FEW_POINTS, "3 losses over 1 % of the token budget: wait for more", facts={"tokens": 4096})


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.received, server.answer = [], 204
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield server
        server.shutdown()


def address(server, path="/services/SECRET"):
    return f"http://127.0.0.1:{server.server_port}{path}"


def posted(hook, *advices):
    """The warnings of posting these."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for advice in advices:
            hook(advice)
        hook.close()
    return [str(each.message) for each in caught if "scaling" in str(each.message)]


def test_a_verdict_is_posted_as_json(receiver):
    assert posted(Webhook(address(receiver), run_name="tiny"), ADVICE) == []
    ((path, kind, message),) = receiver.received
    assert (path, kind) == ("/services/SECRET", "application/json")
    assert message["run"] == "tiny"
    assert message["verdict"] == "TOO_EARLY"
    assert message["because"] == ADVICE.because
    assert message["add_data"] == "NOT_KNOWN"
    assert message["tokens"] == 4096
    assert message["forecast_loss"] is None


def test_a_run_posts_every_change_of_its_verdict(receiver, monkeypatch):
    monkeypatch.setattr("lightning_scaling.monitor.budget.START", 1e9)
    monkeypatch.setattr("lightning_scaling.monitor.budget.MOST_AT_ONCE", 1e9)
    hook = Webhook(address(receiver))
    with RunMonitor(params=1000, token_budget=20_000, on_verdict=hook, summary=False) as run:
        for step in range(1, 301):
            run.step(tokens=32, lr=1e-3)
            if step % 6 == 0:
                run.validated(2 + 40 / (32 * step) ** 0.5)
    hook.close()
    assert "CONTINUE" in [message["verdict"] for _, _, message in receiver.received]


def test_a_hanging_receiver_delays_nobody():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"http://127.0.0.1:{silent.getsockname()[1]}/SECRET"
        patient, returned = Webhook(where, timeout=3600), threading.Event()
        threading.Thread(target=lambda: (patient(ADVICE), returned.set()), daemon=True).start()
        assert returned.wait(60)  # the post itself has an hour
        (warning,) = posted(Webhook(where, timeout=0.5), ADVICE)
    assert posted(patient)  # it ends with the connection, and warns here instead of in the next test
    assert "no answer in time" in warning
    assert "SECRET" not in warning


def test_a_receiver_that_is_not_there_is_one_warning():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    (warning,) = posted(Webhook(f"http://127.0.0.1:{port}/SECRET"), ADVICE, ADVICE, ADVICE)
    assert "ConnectionRefusedError" in warning
    assert "SECRET" not in warning


def test_a_refusal_is_a_warning_with_its_status(receiver):
    receiver.answer = 403
    (warning,) = posted(Webhook(address(receiver)), ADVICE)
    assert "403" in warning
    assert "SECRET" not in warning


def test_the_address_is_never_printed():
    assert "SECRET" not in repr(Webhook("https://user:SECRET@hooks.example.com/SECRET?key=SECRET"))


@pytest.mark.parametrize("url", ["hooks.example.com/SECRET", "ftp://example.com/SECRET", "http:///SECRET"])
def test_an_address_without_a_server_is_refused_without_quoting_it(url):
    with pytest.raises(ValueError, match="a webhook needs an address") as refused:
        Webhook(url)
    assert "SECRET" not in str(refused.value)


def test_a_timeout_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        Webhook("https://example.com", timeout=0)


def test_a_copy_posts_too(receiver):
    hook = Webhook(address(receiver))
    posted(hook, ADVICE)
    posted(pickle.loads(pickle.dumps(hook)), ADVICE)
    assert len(receiver.received) == 2
