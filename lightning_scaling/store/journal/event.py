"""What a run leaves behind, as events: one line each of JSON and its checksum. What does not read back as written is refused in words."""

import base64
import json
import math
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

Event = dict[str, Any]
STATUSES = ("RUNNING", "FINISHED", "FAILED", "KILLED")
_LARGEST = 2**63


class Damaged(ValueError):  # noqa: N818 - named for what happened
    """A line that is no event; the message has the reason."""


def to_line(event: Event) -> bytes:
    """JSON, a tab, the CRC-32 of the JSON, a newline (JSON holds neither tab nor newline).

    >>> to_line({"kind": "status", "t": 1, "status": "RUNNING"})
    b'{"kind":"status","t":1,"status":"RUNNING"}\\tc8860202\\n'
    """
    text = json.dumps(event, separators=(",", ":")).encode()
    return b"%b\t%08x\n" % (text, zlib.crc32(text))


def from_line(line: bytes, checksum: bool = True) -> Event:
    """The event of a line.

    Args:
        checksum: whether a line without one is refused; journals of version 1 have none.

    Raises:
        Damaged: what is wrong with the line.
    """
    event = decode(line, checksum)
    kind = event.get("kind")
    if kind not in _CHECKS:
        raise Damaged(f"unknown kind {str(kind)[:40]!r}")
    try:
        _need(_is_whole(event["t"]), "its time is no whole number")
        _CHECKS[kind](event)
    except KeyError as missing:
        raise Damaged(f"no {missing.args[0]} in a line of kind {kind}") from None
    return event


def decode(line: bytes, checksum: bool = True) -> dict[str, Any]:
    """The JSON object of a line whose checksum fits.

    Raises:
        Damaged: cut short, changed, or no object.
    """
    text, tab, crc = line.rstrip(b"\r\n").rpartition(b"\t")
    if not tab:
        text = crc
    if (tab or checksum) and crc != b"%08x" % zlib.crc32(text):
        raise Damaged("its checksum does not fit" if tab else "it is cut short")
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Damaged("it is no JSON") from None
    if not isinstance(found, dict):
        raise Damaged("it is no JSON object")
    return found


def artifact_name(name: str) -> PurePosixPath:
    """The name of a file of the run as a path inside the run's folder.

    Raises:
        ValueError: it leads out of that folder.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.name or "\\" in name or not name.isprintable():
        raise ValueError(f"an artifact's name is a relative path such as 'figures/run.png', got {name[:100]!r}")
    return path


def artifact_event(name: str, content: str | bytes) -> Event:
    """A file of the run as an event (without its time). ValueError for a name that leads out of the run's folder."""
    artifact_name(name)
    data = content.encode() if isinstance(content, str) else bytes(content)
    return {"kind": "artifact", "name": name, "base64": base64.b64encode(data).decode("ascii")}


def _metrics(event: Event) -> None:
    _need(_is_whole(event["step"]), "its step is no whole number")
    values = event["values"]
    _need(isinstance(values, dict) and all(map(_is_number, values.values())), "a value is no finite number")


def _texts(event: Event) -> None:
    values = event["values"]
    _need(isinstance(values, dict) and all(isinstance(v, str) for v in values.values()), "a value is no text")


def _status(event: Event) -> None:
    _need(event["status"] in STATUSES, "unknown status")


def _artifact(event: Event) -> None:
    try:
        artifact_name(str(event["name"]))
        base64.b64decode(event["base64"], validate=True)
    except (ValueError, TypeError) as error:
        raise Damaged(f"artifact: {error}") from None


def _text_in(field: str) -> Callable[[Event], None]:
    return lambda event: _need(isinstance(event[field], str), f"its {field} is no text")


def _delivered(event: Event) -> None:
    _need(_is_whole(event["to"]) and event["to"] >= 0, "no position")


_CHECKS: dict[Any, Callable[[Event], None]] = {
    "metrics": _metrics,
    "params": _texts,
    "tags": _texts,
    "status": _status,
    "artifact": _artifact,
    "record": _text_in("packed"),
    "run": _text_in("run_id"),  # the MLflow run that a logger has made by now
    "delivered": _delivered,  # the store has everything before this byte
}


def _need(holds: bool, why: str) -> None:
    if not holds:
        raise Damaged(why)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1.7e308 and math.isfinite(value)


def _no_constant(name: str) -> None:
    raise ValueError(name)
