"""A run's record as a few kB of text, so that it fits into tags and one search brings a thousand curves.

Layout 1: a JSON head (length in 4 bytes, then text), the arrays behind it, zlib over all, base64. Each array is stored in the narrowest
form that brings it back exactly, its bytes transposed, so that the high bytes of neighbours lie together. 400 points take 3–5 kB; as
JSON they took 24.
"""

import base64
import json
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.run.record import RunRecord, finite_json
from lightning_scaling.run.thinning import thin
from lightning_scaling.store.journal.event import RECORD_LAYOUT

LAYOUT = RECORD_LAYOUT
MOST_BYTES = 1 << 26  # of a record that is unpacked; 400 points take some 50 kB
_TYPES: dict[str, Any] = {"d4": np.dtype("<i4"), "d8": np.dtype("<i8"), "f4": np.dtype("<f4"), "f8": np.dtype("<f8")}
_PREDICTED = ("tokens", "at", "loss", "low", "high")


class Unreadable(ValueError):  # noqa: N818 - named for what happened
    """Text that is no record: cut short, edited, or of a newer version. The message names which."""


def pack(record: RunRecord) -> str:
    """The record, thinned to 400 points, as one line of text."""
    data = _pack(thin(record).to_json())
    return f"{LAYOUT} {zlib.crc32(data):08x} {base64.b64encode(data).decode('ascii')}"


def unpack(text: str) -> RunRecord:
    """The record that `pack` wrote.

    Raises:
        Unreadable: cut short, edited, or of a newer version.
    """
    try:
        layout, checksum, packed = text.split()
        if int(layout) > LAYOUT:
            raise Unreadable(f"record of layout {layout}, written by a newer version of lightning-scaling")
        data = base64.b64decode(packed)
        if f"{zlib.crc32(data):08x}" != checksum:
            raise Unreadable("record damaged: its checksum does not fit")
        return RunRecord.from_json(_unpack(data))
    except Unreadable:
        raise
    except KeyError as missing:
        raise Unreadable(f"record damaged: no {missing.args[0]}") from None
    except (ValueError, TypeError, zlib.error) as error:
        raise Unreadable(f"record damaged: {error}") from error


def _pack(data: dict[str, Any]) -> bytes:
    head = dict(data)
    arrays: list[bytes] = []
    _move(head, arrays, "tokens", data["tokens"])
    _move(head, arrays, "loss", [np.nan if x is None else x for x in data["loss"]])
    if data["step"] is not None:
        _move(head, arrays, "step", data["step"])
    if data["schedule"] is not None:
        head["schedule"] = dict(data["schedule"])
        for name in ("step", "lr"):
            _move(head["schedule"], arrays, name, data["schedule"][name])
    rate = _rate(data["tokens"], data["flops"])
    if rate is None:
        _move(head, arrays, "flops", data["flops"])
    else:
        head["flops"] = rate
    head["predictions"] = [[p[k] for k in _PREDICTED] + [p["outcome"], p["verdict"], p["because"]] for p in data["predictions"]]
    text = json.dumps(head, separators=(",", ":"), default=plain).encode()
    return zlib.compress(len(text).to_bytes(4, "little") + text + b"".join(arrays), 9)


def _unpack(packed: bytes) -> dict[str, Any]:
    unpacking = zlib.decompressobj()
    raw = unpacking.decompress(packed, MOST_BYTES)
    if unpacking.unconsumed_tail or not unpacking.eof:
        raise Unreadable("record damaged: it is cut short, or unpacks to more than 64 MB")
    size = int.from_bytes(raw[:4], "little")
    data: dict[str, Any] = json.loads(raw[4 : 4 + size])
    rest = memoryview(raw)[4 + size :]
    names = [(data, "tokens"), (data, "loss"), (data, "step")]
    if data["schedule"] is not None:
        names += [(data["schedule"], "step"), (data["schedule"], "lr")]
    for where, name in [*names, (data, "flops")]:
        if isinstance(where[name], str):
            where[name], rest = _read(where[name], rest)
    if isinstance(data["flops"], float):
        data["flops"] = data["flops"] * data["tokens"]
    fields = (*_PREDICTED, "outcome", "verdict", "because")
    data["predictions"] = [dict(zip(fields, row, strict=True)) for row in data["predictions"]]
    return data


def plain(value: Any) -> Any:
    """What JSON does not know, as it would be read: numpy numbers and arrays as numbers, the rest as text."""
    return finite_json(value.tolist()) if hasattr(value, "tolist") else str(value)


def _move(head: dict[str, Any], arrays: list[bytes], name: str, values: Any) -> None:
    """Put `values` behind the head, leaving their form there, e.g. "i4:400"."""
    array = np.asarray(values, dtype=np.float64)
    form, stored = _narrow(array)
    arrays.append(np.ascontiguousarray(stored).view(np.uint8).reshape(len(stored), -1).T.tobytes() if len(stored) else b"")
    head[name] = f"{form}:{len(array)}"


def _narrow(array: NDArray[np.float64]) -> tuple[str, NDArray[Any]]:
    """Whole numbers as differences, else 4-byte floats where they are exact (losses come from float32), else 8 bytes."""
    if len(array) and np.isfinite(array).all() and (np.abs(array) < 2.0**53).all() and (array == np.rint(array)).all():
        steps = np.diff(array.astype(np.int64), prepend=0)
        small = int(np.abs(steps).max()) < 2**31
        return ("d4", steps.astype("<i4")) if small else ("d8", steps.astype("<i8"))
    with np.errstate(over="ignore", under="ignore"):
        short = array.astype("<f4")
    return ("f4", short) if np.array_equal(short.astype(np.float64), array, equal_nan=True) else ("f8", array.astype("<f8"))


def _read(form: str, rest: memoryview) -> tuple[NDArray[np.float64], memoryview]:
    kind, _, length = form.partition(":")
    count, width = int(length), int(kind[1])
    if kind not in _TYPES or len(rest) < count * width:
        raise Unreadable(f"record damaged: array {form} does not fit")
    stored = np.frombuffer(rest, np.uint8, count * width).reshape(width, count).T.copy().view(_TYPES[kind])[:, 0]
    values = np.cumsum(stored, dtype=np.float64) if kind[0] == "d" else stored.astype(np.float64)  # whole numbers below 2^53: exact
    return values, rest[count * width :]


def _rate(tokens: list[float], flops: list[float]) -> float | None:
    """FLOPs per token where it is one exact number for the whole curve (6N is), else None."""
    if not tokens or not tokens[-1] or flops[-1] is None:
        return None
    rate = float(flops[-1]) / float(tokens[-1])
    return rate if np.array_equal(rate * np.asarray(tokens, dtype=np.float64), np.asarray(flops, dtype=np.float64)) else None
