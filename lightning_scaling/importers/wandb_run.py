"""The local file of a W&B run (`wandb/run-*/run-ID.wandb`), by W&B's own reader."""

import json
from collections.abc import Iterator
from typing import Any

from lightning_scaling.importers.frame import Frame, flat, frames_of
from lightning_scaling.importers.importer import Importer
from lightning_scaling.importers.options import Options
from lightning_scaling.importers.source import Source
from lightning_scaling.importers.tally import Tally


def recognises(source: Source) -> bool:
    """By its ending, or by the mark that the file begins with."""
    return source.suffix == ".wandb" or source.head.startswith(b":W&B")


def read(source: Source, options: Options, tally: Tally) -> Iterator[Frame]:
    """The history of the run, one row a step."""
    try:
        from wandb.proto import wandb_internal_pb2
        from wandb.sdk.internal.datastore import DataStore
    except ImportError:
        raise ValueError(f"{source.name} is the file of a W&B run: pip install wandb, or export the run's history as CSV") from None
    store = DataStore()
    store.open_for_scan(source.path)
    return frames_of(_rows(store, wandb_internal_pb2.Record), tally)


def _rows(store: Any, record_type: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    while data := _scan(store):
        record = record_type()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "history":
            number += 1
            yield number, flat({_key(item): json.loads(item.value_json) for item in record.history.item})


def _scan(store: Any) -> Any:
    """The next record; a file that is still written ends in the middle of one."""
    try:
        return store.scan_data()
    except (AssertionError, EOFError, IndexError):
        return None


def _key(item: Any) -> str:
    return str(item.key or "/".join(item.nested_key))


IMPORTERS = (Importer("wandb", "W&B run file", recognises, read),)
