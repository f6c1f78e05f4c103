"""A block of a table that holds numbers and empty cells alone, as columns: by pyarrow's reader where a file is long, else by NumPy's."""

import warnings
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.importers.cells import BROKEN
from lightning_scaling.importers.dialect import Dialect

# Fills an empty cell while a block is parsed: a number that no log holds. One digit and a small power of ten are parsed fast.
EMPTY, FILLED = -9e15, "-9e15"


def numbers_of(text: str, dialect: Dialect, wanted: list[int], long: bool = False) -> list[Floats] | None:
    """The wanted columns, None where a block is not numbers and empty cells throughout.

    Args:
        long: the file is long enough for pyarrow's reader, three times as fast here, to be worth half a second of loading it.
    """
    if not wanted or dialect.delimiter == "|" or len(dialect.delimiter) > 1 or not text.endswith("\n"):
        return None
    if long and dialect.delimiter != " " and (found := _by_arrow(text, dialect, wanted)) is not None:
        return found
    return _by_numpy(text, dialect, wanted)


def _by_arrow(text: str, dialect: Dialect, wanted: list[int]) -> list[Floats] | None:
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
    return [_column(table[name]) for name in kept] if len(table) == text.count("\n") else None


def _column(column: Any) -> Floats:
    """The numbers, NaN for an empty cell and infinity for one that broke."""
    values = np.array(column.to_numpy(), dtype=np.float64)
    off = ~np.isfinite(values)
    if off.any():
        values[off & column.is_valid().to_numpy() if column.null_count else off] = BROKEN
    return values


def _by_numpy(text: str, dialect: Dialect, wanted: list[int]) -> list[Floats] | None:
    delimiter = None if dialect.delimiter == " " else dialect.delimiter
    if delimiter is not None and '"' not in text:
        if not _even(text, delimiter, len(dialect.header), text.count("\n"), wanted):
            return None
        text = _filled(text, delimiter)
    lines = text.removesuffix("\n").split("\n")
    found = _parsed(lines, delimiter, wanted)
    if found is None or len(found) != len(lines):
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
