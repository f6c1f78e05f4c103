"""Two hundred malformed requests: none is a server error, shows a traceback or hangs."""

import http.client
import random
from urllib.parse import quote, urlsplit

PATHS = ("data/experiments", "data/runs", "data/law", "data/run/x", "data/runs.csv", "data/points.csv", "data/records.json", "static/x", "")
KEYS = ("experiment", "loss_metric", "token_metric", "tokens_per_step", "params", "run", "known", "\x00", "é")
TEXTS = (
    *(
        "",
        "0",
        "-1",
        "1e999",
        "nan",
        "inf",
        "9" * 400,
        "x" * 5000,
        "../../etc/passwd",
        "..%2f..%2f",
        "\x00",
        "\r\nSet-Cookie: a=b",
        "%",
        "%zz",
    ),
    *("<script>", "' OR 1=1 --", "{}", "[]", "null", "𝕏" * 50, "\ud7ff", "true", "1" + "0" * 30 + "M", "=1+1"),
)
BODIES = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"[" * 50_000,
    b'{"experiments": 1}',
    b'{"experiments": ["x"], "known": 5}',
    b"\xff\xfe",
    b'["' + b"x" * 10_000,
)
METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")


def request(draw: random.Random) -> tuple[str, str, bytes, dict[str, str]]:
    path = draw.choice(PATHS) + draw.choice(("", "", "/", "/../x", "%00", "/" + quote(draw.choice(TEXTS))[:200]))
    query = "&".join(f"{quote(draw.choice(KEYS))}={quote(draw.choice(TEXTS))}" for _ in range(draw.randrange(4)))
    kind = draw.choice(("application/json", "text/plain", "multipart/form-data", "application/json; charset=x"))
    headers = {"content-type": kind, **({"accept-encoding": draw.choice(("gzip", "x;q=9"))} if draw.random() < 0.3 else {})}
    return draw.choice(METHODS), f"/scaling/{path}?{query}", draw.choice(BODIES), headers


def test_no_malformed_request_is_a_server_error(server: str) -> None:
    where, draw = urlsplit(server), random.Random(0)
    failures = []
    for _ in range(200):
        method, path, body, headers = request(draw)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)  # one that hangs is a failure
        connection.request(method, path, body if method != "GET" else None, headers)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        if reply.status >= 500 or b"Traceback" in text or b".py" in text:
            failures.append((reply.status, method, path[:200], body[:50], text[:200]))
    assert failures == []
