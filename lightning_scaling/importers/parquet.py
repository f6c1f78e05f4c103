"""Parquet files, by pyarrow, a batch of rows at a time."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from lightning_scaling.importers.cells import BROKEN
from lightning_scaling.importers.frame import ROWS, Frame, Tally, as_number
from lightning_scaling.importers.importer import Importer, Options
from lightning_scaling.importers.source import Source

MAGIC = b"PAR1"


def recognises(source: Source) -> bool:
    """Parquet begins with its name."""
    return source.head.startswith(MAGIC)


def read(source: Source, options: Options, tally: Tally) -> Iterator[Frame]:
    """The rows as frames; columns of lists or structures are left out."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise ValueError(f"{source.name} is a parquet file: pip install 'lightning-scaling[files]'") from None
    try:
        file = pyarrow.parquet.ParquetFile(_file(source))
        tally.columns = [name for name in file.schema_arrow.names if not name.startswith("__index")]
        for batch in file.iter_batches(ROWS):
            yield _frame(batch, tally)
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{source.name}: damaged parquet file ({str(error).splitlines()[0]}); write it again") from None


def columns(source: Source) -> list[str]:
    """The names of the columns; none where the file cannot be opened, which `read` explains."""
    try:
        import pyarrow.parquet

        return list(pyarrow.parquet.read_schema(_file(source)).names)
    except (ImportError, ValueError, OSError):
        return []


def _file(source: Source) -> Any:
    """What pyarrow opens: a file by its name, a stream or a packed file by its content."""
    if source.data is None:
        with open(source.path, "rb") as raw:
            if raw.read(len(MAGIC)) == MAGIC:
                return source.path
    with source.open() as stream:
        return io.BytesIO(stream.read())


def rows(source: Source, tally: Tally) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows as they are."""
    for frame in read(source, Options(), tally):
        for k, row in enumerate(frame.row):
            yield int(row), {n: v[k] for n, v in frame.numbers.items()} | {n: t[k] for n, t in frame.texts.items()}


def _frame(batch: Any, tally: Tally) -> Frame:
    numbers, texts = {}, {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        kind = str(column.type)
        if kind.startswith(("int", "uint", "float", "double", "halffloat")):
            values = column.to_numpy(zero_copy_only=False).astype(np.float64)
            values[np.isinf(values) | (np.isnan(values) & np.asarray(column.is_valid()))] = BROKEN
            numbers[name] = values
        elif kind in ("string", "large_string", "string_view") or kind.startswith(("dictionary", "decimal")):
            cells = [None if v is None else str(v) for v in column.to_pylist()]
            numbers[name] = np.array([as_number(v) for v in cells], dtype=np.float64)
            texts[name] = ["" if v is None else v for v in cells]
    rows = np.arange(tally.rows + 1, tally.rows + 1 + len(batch), dtype=np.float64)
    tally.rows += len(batch)
    return Frame(rows, numbers, texts)


IMPORTERS = (Importer("parquet", "parquet file", recognises, read),)
