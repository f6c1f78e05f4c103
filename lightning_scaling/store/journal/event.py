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
LONGEST_NAME = 200  # bytes of one part of a path
RECORD_LAYOUT = 1  # of packed records, see `record_packing`
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
    outside = path.is_absolute() or ".." in path.parts or not path.name or "\\" in name
    if outside or not name.isprintable() or any(len(part.encode()) > LONGEST_NAME for part in path.parts):
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
    _need(all(map(_is_text, values)), "a name is no text")


def _texts(event: Event) -> None:
    values = event["values"]
    _need(isinstance(values, dict) and all(map(_is_text, (*values, *values.values()))), "a value is no text")


def _status(event: Event) -> None:
    _need(event["status"] in STATUSES, "unknown status")


def _artifact(event: Event) -> None:
    _need(_is_text(event["name"]), "its name is no text")
    try:
        artifact_name(event["name"])
        base64.b64decode(event["base64"], validate=True)
    except (ValueError, TypeError) as error:
        raise Damaged(f"artifact: {error}") from None


def _record(event: Event) -> None:
    packed = event["packed"]
    _need(_is_text(packed) and packed.count(" ") == 2, "it holds no packed record")
    layout, checksum, data = packed.split(" ")
    try:
        _need(int(layout) <= RECORD_LAYOUT, "its record was written by a newer version of lightning-scaling")
        _need(f"{zlib.crc32(base64.b64decode(data, validate=True)):08x}" == checksum, "the checksum of its record does not fit")
    except ValueError as error:
        raise Damaged(str(error)) from None


def _run(event: Event) -> None:
    _need(_is_text(event["run_id"]), "its run_id is no text")


def _delivered(event: Event) -> None:
    _need(_is_whole(event["to"]) and event["to"] >= 0, "no position")


_CHECKS: dict[Any, Callable[[Event], None]] = {
    "metrics": _metrics,
    "params": _texts,
    "tags": _texts,
    "status": _status,
    "artifact": _artifact,
    "record": _record,
    "run": _run,  # the MLflow run that a logger has made by now
    "delivered": _delivered,  # the store has everything before this byte
}


def _need(holds: bool, why: str) -> None:
    if not holds:
        raise Damaged(why)


def _is_text(value: Any) -> bool:
    """Whether it can be written to a file: JSON's escapes can form halves of characters."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1.7e308 and math.isfinite(value)


def _no_constant(name: str) -> None:
    raise ValueError(name)
