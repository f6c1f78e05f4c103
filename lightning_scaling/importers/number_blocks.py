"""A block of a table that holds numbers and empty cells alone, as columns: by pyarrow's reader where a file is long, else by NumPy's."""

import warnings
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.importers.cells import BROKEN
from lightning_scaling.importers.dialect import Dialect

# Fills an empty cell while a block is parsed: a number that no log holds. One digit and a small power of ten are parsed fast.
EMPTY, FILLED = -9e15, "-9e15"


def numbers_of(text: str, lines: int, dialect: Dialect, wanted: list[int], long: bool = False) -> list[Floats] | None:
    """The wanted columns, None where a block is not numbers and empty cells throughout.

    Args:
        lines: how many the text has.
        long: the file is long enough for pyarrow's reader, three times as fast here, to be worth a tenth of a second of loading it.
    """
    if not wanted or dialect.delimiter == "|" or len(dialect.delimiter) > 1 or not text.endswith("\n"):
        return None
    if long and dialect.delimiter != " " and (found := _by_arrow(text, lines, dialect, wanted)) is not None:
        return found
    return _by_numpy(text, lines, dialect, wanted)


def _by_arrow(text: str, lines: int, dialect: Dialect, wanted: list[int]) -> list[Floats] | None:
    try:
        import pyarrow
        from pyarrow import csv
    except ImportError:
        return None
    data = text.encode()
    names = [str(i) for i in range(len(dialect.header))]
    kept = [names[i] for i in wanted]
    point = "," if dialect.decimal_comma else "."
    try:
        table = csv.read_csv(
            pyarrow.BufferReader(data),
            csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            csv.ParseOptions(delimiter=dialect.delimiter),
            csv.ConvertOptions(
                column_types=dict.fromkeys(kept, pyarrow.float64()), null_values=[""], include_columns=kept, decimal_point=point
            ),
        )
    except (pyarrow.ArrowException, ValueError):
        return None
    return [_column(table[name].combine_chunks()) for name in kept] if len(table) == lines else None


def _column(column: Any) -> Floats:
    """The numbers, NaN for an empty cell and infinity for one that broke; from the memory itself, as `to_numpy` would load pandas."""
    here = slice(column.offset, column.offset + len(column))
    there, held = column.buffers()
    values = np.frombuffer(held, dtype=np.float64)[here]
    if np.isfinite(values).all() and not column.null_count:
        return values
    values = np.where(np.isfinite(values), values, BROKEN)
    if column.null_count:
        values[np.unpackbits(np.frombuffer(there, dtype=np.uint8), bitorder="little")[here] == 0] = np.nan
    return values


def _by_numpy(text: str, lines: int, dialect: Dialect, wanted: list[int]) -> list[Floats] | None:
    delimiter = None if dialect.delimiter == " " else dialect.delimiter
    if delimiter is not None and '"' not in text:
        if not _even(text, delimiter, len(dialect.header), lines, wanted):
            return None
        text = _filled(text, delimiter)
    found = _parsed(text.removesuffix("\n").split("\n"), delimiter, wanted)
    if found is None or len(found) != lines:
        return None
    found[~np.isfinite(found)] = BROKEN
    found[found == EMPTY] = np.nan
    return list(np.ascontiguousarray(found.T))


def _parsed(lines: list[str], delimiter: str | None, wanted: list[int]) -> Floats | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.loadtxt(lines, delimiter=delimiter, usecols=wanted, comments=None, ndmin=2, quotechar='"')
    except ValueError:
        return None


def _filled(text: str, delimiter: str) -> str:
    """The text with a number in each empty cell that no log holds, for a reader that takes numbers alone."""
    two = 2 * delimiter
    if two in text:
        text = text.replace(two, f"{delimiter}{FILLED}{delimiter}").replace(two, f"{delimiter}{FILLED}{delimiter}")
    if delimiter + "\n" in text:
        text = text.replace(delimiter + "\n", f"{delimiter}{FILLED}\n")
    if "\n" + delimiter in text:
        text = text.replace("\n" + delimiter, f"\n{FILLED}{delimiter}")
    return f"{FILLED}{text}" if text.startswith(delimiter) else text


def _even(text: str, delimiter: str, width: int, lines: int, wanted: list[int]) -> bool:
    """Whether each line has as many cells as the header, or one empty one more.

    By their sum where the last column is read, as a line that is short fails there; else line by line.
    """
    if max(wanted) == width - 1:
        found = text.count(delimiter)
        return found == lines * (width - 1) or (found == lines * width and text.count(delimiter + "\n") == lines)
    letters = np.frombuffer(text.encode(), dtype=np.uint8)
    ends = np.flatnonzero(letters == ord("\n"))
    between = np.diff(np.searchsorted(np.flatnonzero(letters == ord(delimiter)), ends), prepend=0)
    return bool(((between == width - 1) | ((letters[ends - 1] == ord(delimiter)) & (between == width))).all())
