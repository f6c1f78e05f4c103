"""TensorBoard's event files, by TensorBoard's own reader: scalars of every tag at their steps."""

from collections.abc import Iterator
from typing import Any

from lightning_scaling.importers.frame import Frame, Tally, frames_of
from lightning_scaling.importers.importer import Importer, Options
from lightning_scaling.importers.source import Source


def recognises(source: Source) -> bool:
    """By name: `events.out.tfevents.…`, but for what was written out as JSON."""
    return "tfevents" in source.path.rsplit("/", 1)[-1] and source.head[:1] not in (b"[", b"{")


def read(source: Source, options: Options, tally: Tally) -> Iterator[Frame]:
    """One row an event, its tag as the column."""
    try:
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    except ImportError:
        raise ValueError(f"{source.name} is a TensorBoard event file: pip install 'lightning-scaling[files]'") from None
    return frames_of(_rows(EventFileLoader, source), tally)


def _rows(loader: Any, source: Source) -> Iterator[tuple[int, dict[str, float]]]:
    from tensorboard.util import tensor_util

    number = 0
    for event in loader(source.path).Load():
        for value in event.summary.value:
            number += 1
            if value.HasField("tensor") and not value.tensor.string_val:
                array = tensor_util.make_ndarray(value.tensor)
                if array.size == 1 and array.dtype.kind in "fiu":
                    yield number, {"step": float(event.step), value.tag: float(array.reshape(())), "wall time": event.wall_time}
            elif value.HasField("simple_value"):
                yield number, {"step": float(event.step), value.tag: value.simple_value, "wall time": event.wall_time}


IMPORTERS = (Importer("tensorboard", "TensorBoard event file", recognises, read),)
