"""A long table of numbers alone as columns: a million runs in a second, without an object for each cell."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.importers import delimited, parquet
from lightning_scaling.importers.dialect import dialect_of
from lightning_scaling.importers.frame import Frame, Tally
from lightning_scaling.importers.importer import Options
from lightning_scaling.importers.source import Source

LONG = 4_000_000  # bytes; a shorter table is read as fast cell by cell
MOST_ROWS = 1_000_000


def number_columns(source: Source) -> tuple[Floats, dict[str, Floats], Tally] | None:
    """Rows of the file (n,), its columns (n,) by name, and what was remarked; None for a short file, or one with anything but numbers."""
    if source.path == "-" or Path(source.path).stat().st_size < LONG:
        return None
    tally = Tally()
    try:
        frames = list(_frames(source, tally))
    except ValueError:
        return None
    if not frames or tally.skipped or any(frame.texts or set(frame.numbers) != set(tally.columns) for frame in frames):
        return None
    rows = np.concatenate([frame.row for frame in frames])
    numbers = {name: np.concatenate([frame.numbers[name] for frame in frames]) for name in tally.columns}
    return (rows, numbers, tally) if len(rows) <= MOST_ROWS else None


def _frames(source: Source, tally: Tally) -> Iterator[Frame]:
    if parquet.recognises(source):
        return parquet.read(source, Options(), tally)
    dialect = dialect_of(source.text) if source.is_text and source.head.lstrip()[:1] not in (b"{", b"[") else None
    return iter(()) if dialect is None else delimited.read(source, Options(columns={name: name for name in dialect.header}), tally)
