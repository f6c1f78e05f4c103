"""The local file of a W&B run (`wandb/run-*/run-ID.wandb`): records in W&B's own message types, one behind the other in a log.

The log is LevelDB's behind a header of 7 bytes (blocks of 32 kB, each record behind a checksum, a length and a part number;
github.com/google/leveldb, doc/log_format.md). W&B's Python package no longer brings a reader of it, only the types of the records.
"""

import json
import struct
from collections.abc import Iterator
from typing import Any

from lightning_scaling.importers.frame import Frame, Tally, flat, frames_of
from lightning_scaling.importers.importer import Importer, Options
from lightning_scaling.importers.source import Source

MARK = b":W&B"
_HEADER, _BLOCK, _RECORD = 7, 32768, struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


def recognises(source: Source) -> bool:
    """By its ending, or by the mark that the file begins with."""
    return source.suffix == ".wandb" or source.head.startswith(MARK)


def read(source: Source, options: Options, tally: Tally) -> Iterator[Frame]:
    """The history of the run, one row a step."""
    try:
        from wandb.proto import wandb_internal_pb2
    except ImportError:
        raise ValueError(f"{source.name} is the file of a W&B run: pip install wandb, or export the run's history as CSV") from None
    if not source.head.startswith(MARK):
        raise ValueError(f"{source.name}: no file of a W&B run (it does not begin with {MARK.decode()})")
    return frames_of(_rows(source, vars(wandb_internal_pb2)["Record"], tally), tally)


def _rows(source: Source, record_type: Any, tally: Tally) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    for number, data in enumerate(records(source), 1):
        record = record_type()
        try:
            record.ParseFromString(data)
            row = flat({_key(item): json.loads(item.value_json) for item in record.history.item})
        except Exception as error:  # protobuf's own, or a value that is no JSON
            tally.skip(f"damaged record ({type(error).__name__})", number)
            continue
        if row:
            yield number, row


def records(source: Source) -> Iterator[bytes]:
    """The records of the log; a file that is still written, or damaged, ends where the last whole one does."""
    parts: list[bytes] = []
    with source.open() as stream:
        block = stream.read(_BLOCK)[_HEADER:]
        while block:
            place = 0
            while place + _RECORD.size <= len(block):
                _, length, part = _RECORD.unpack_from(block, place)
                data = block[place + _RECORD.size : place + _RECORD.size + length]
                place += _RECORD.size + length
                if part not in (_FULL, _FIRST, _MIDDLE, _LAST) or len(data) < length:
                    break
                parts = [data] if part in (_FULL, _FIRST) else [*parts, data]
                if part in (_FULL, _LAST):
                    yield b"".join(parts)
            block = stream.read(_BLOCK)


def _key(item: Any) -> str:
    return str(item.key or "/".join(item.nested_key))


IMPORTERS = (Importer("wandb", "W&B run file", recognises, read),)
