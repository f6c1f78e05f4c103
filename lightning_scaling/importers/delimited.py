"""Tables of text: CSV, TSV, semicolons, bars, aligned with spaces; streamed, so that ten million rows take no more memory than one block.

A block of numbers and empty cells is parsed whole; a block with a word or a short row cell by cell.
"""

import csv
from collections.abc import Iterator

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.importers.cells import BROKEN, absent, counted, cut_short, number
from lightning_scaling.importers.column_names import CLOCKS, KEY, SPLIT, VALUE, bare_loss, joined, role, run_by_size
from lightning_scaling.importers.dialect import Dialect, dialect_of, is_comment, is_ruler, logical, split
from lightning_scaling.importers.frame import Frame, Tally
from lightning_scaling.importers.importer import Importer, Options
from lightning_scaling.importers.number_blocks import numbers_of
from lightning_scaling.importers.source import Source

LONG = 1  # blocks; beyond, a faster reader is worth its start


def recognises(source: Source) -> bool:
    """A header above rows of numbers."""
    return source.is_text and dialect_of(source.text) is not None


def read(source: Source, options: Options, tally: Tally) -> Iterator[Frame]:
    """The rows as frames of the columns that are needed."""
    dialect = dialect_of(source.text)
    if dialect is None:
        raise ValueError(f"{source.name}: needs a header (such as step,loss,lr) above rows of numbers; for a text log give --pattern")
    tally.columns = list(dialect.header)
    tally.kind = _kind(dialect)
    if dialect.decimal_comma:
        tally.remark("decimal commas")
    _remark_above(source, dialect, tally)
    wanted = [i for i, name in enumerate(dialect.header) if _needed(name, options)]
    for k, (start, lines, text) in enumerate(_blocks(source, dialect)):
        fast = numbers_of(text, lines, dialect, wanted, k >= LONG)
        try:
            frame = (
                _frame(fast, start, dialect, wanted)
                if fast is not None
                else _slow(_lines(text), start, dialect, wanted, tally, not text.endswith("\n"))
            )
        except ValueError as error:
            raise ValueError(f"{source.name}, {error}") from None
        tally.rows += len(frame)
        yield frame


def _remark_above(source: Source, dialect: Dialect, tally: Tally) -> None:
    """Counts the rows of numbers above the header, which another header above them may name."""
    above = enumerate(source.text.split("\n")[: dialect.line - 1], 1)
    rows = [i for i, line in above if not is_comment(line) and any(cell[:1].isdigit() for cell in split(line, dialect.delimiter))]
    tally.skip_each("above the header", rows)


def _blocks(source: Source, dialect: Dialect) -> Iterator[tuple[int, int, str]]:
    """(row of the first line, lines, text) of each block behind the header."""
    start = 1
    for block in source.blocks():
        above, lines = max(dialect.line + 1 - start, 0), block.count("\n") + (not block.endswith("\n"))
        if above < lines:
            yield start + above, lines - above, block.split("\n", above)[-1] if above else block
        start += lines


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")


def cells(source: Source, tally: Tally) -> Iterator[tuple[int, dict[str, str]]]:
    """Every cell as text, by column; for tables small enough to be held.

    Raises:
        ValueError: no header, or rows of which none has as many cells.
    """
    dialect = dialect_of(source.text)
    if dialect is None:
        raise ValueError(f"{source.name} has no runs: a line of column names (params, tokens, loss) and one line a run are expected")
    tally.columns = list(dialect.header)
    if dialect.decimal_comma:
        tally.remark("decimal commas")
    for start, _, text in _blocks(source, dialect):
        for row, found in _rows(_lines(text), start, dialect, tally, not text.endswith("\n")):
            yield row, dict(zip(dialect.header, found, strict=True))


def _kind(dialect: Dialect) -> str:
    """What wrote the table, by its columns; else how it is delimited."""
    lower = [name.lower() for name in dialect.header]
    if lower == ["wall time", "step", "value"]:
        return "TensorBoard's CSV"
    if any(name.endswith("__min") for name in lower):
        return "W&B's chart CSV"
    if {"key", "value", "step"} <= set(lower):
        return "metric history (one metric a row)"
    usual = {",": "CSV", "\t": "TSV", ";": "CSV with semicolons", "|": "table with bars", " ": "table aligned with spaces"}
    return usual.get(dialect.delimiter, f"table with {dialect.delimiter!r} between its cells")


def _needed(name: str, options: Options) -> bool:
    known = role(name) or bare_loss(name) or run_by_size(name)
    return known is not None or name in (*options.columns.values(), options.run_column) or joined(name) in (*KEY, *VALUE, *SPLIT)


def _frame(columns: list[Floats], start: int, dialect: Dialect, wanted: list[int]) -> Frame:
    names = (dialect.header[i] for i in wanted)
    return Frame(start + np.arange(len(columns[0]), dtype=np.float64), dict(zip(names, columns, strict=True)))


def _slow(lines: list[str], start: int, dialect: Dialect, wanted: list[int], tally: Tally, unended: bool) -> Frame:
    kept, rows = [], []
    for row, cells in _rows(lines, start, dialect, tally, unended):
        kept.append(cells)
        rows.append(row)
    numbers, texts = {}, {}
    for i in wanted:
        cells = [row[i] for row in kept]
        numbers[dialect.header[i]] = values = _numbers(cells, dialect.decimal_comma)
        if (what := role(dialect.header[i])) is not None and what.what in CLOCKS:
            _fill_counts(values, cells, dialect.header[i], what.what, tally)
        silent = [k for k in np.flatnonzero(np.isnan(values)) if cells[k] and absent(cells[k])]
        tally.skip_each(f"no number in column {dialect.header[i]!r} ({cells[silent[0]] if silent else ''})", (rows[k] for k in silent))
        if any("%" in cell for cell in cells):
            tally.remark(f"percentages in {dialect.header[i]} are read as fractions")
        strange = [k for k in np.flatnonzero(np.isnan(values)) if not absent(cells[k])]
        if strange and _names_things(dialect.header[i], len(strange), int(np.isfinite(values).sum())):
            texts[dialect.header[i]] = cells
        elif strange:
            tally.skip_each(f"text in column {dialect.header[i]!r} where a number should be", (rows[k] for k in strange))
    return Frame(np.array(rows, dtype=np.float64), numbers, texts)


def _names_things(name: str, words: int, numbers: int) -> bool:
    """Whether a column of words is one that names runs or metrics."""
    found = role(name)
    return (
        (found is not None and found.what == "run")
        or joined(name) in (*KEY, *SPLIT)
        or (words > numbers and (found is None or found.what == "run"))
    )


def _numbers(cells: list[str], decimal_comma: bool) -> Floats:
    if not decimal_comma:
        try:
            values = np.array([float(c) if c else np.nan for c in cells], dtype=np.float64)
            if not any("_" in c for c in cells):
                return _broken(values, cells)
        except ValueError:
            pass
    return np.array([number(c, decimal_comma) for c in cells], dtype=np.float64)


def _fill_counts(values: Floats, cells: list[str], name: str, what: str, tally: Tally) -> None:
    """Counts as people write them, `1.2M`, `50/3000`, in place; the whole of a fraction of steps is the length of the run."""
    found = {k: count for k in np.flatnonzero(np.isnan(values)) if (count := counted(cells[k])) is not None}
    for k, (value, _) in found.items():
        values[k] = value
    wholes = [whole for _, whole in found.values() if whole is not None]
    if found and not any(remark.startswith(f"{name} holds counts") for remark in tally.remarks):
        tally.remark(f"{name} holds counts such as {cells[next(iter(found))]!r}")
    if wholes and what == "step":
        tally.facts["total_steps"] = wholes[-1]


def _broken(values: Floats, cells: list[str]) -> Floats:
    """`nan` and `inf` are losses that broke; an empty cell is absent."""
    for k in np.flatnonzero(~np.isfinite(values)):
        if cells[k]:
            values[k] = BROKEN
    return values


def _rows(lines: list[str], start: int, dialect: Dialect, tally: Tally, unended: bool) -> Iterator[tuple[int, list[str]]]:
    """Numbered rows of as many cells as the header has; whatever else is between them is counted."""
    width, header = len(dialect.header), list(dialect.header)
    lasts: list[str] = []  # what the last column held
    for row, cells in _split(lines, start, dialect):
        if not any(cells):
            continue
        if is_comment(cells[0]) and (len(cells) != width or not cells[0].lstrip("#% ").isdigit()):
            tally.skip("comment", row)
        elif is_ruler(cells):
            tally.skip("ruler", row)
        elif len(cells) != width and not (len(cells) > width and not any(cells[width:])):
            half = unended and row == start + len(lines) - 1
            tally.skip("half-written last row" if half else f"not {width} cells as in the header", row)
        elif cells[:width] == header:
            tally.skip("header repeated", row)
        elif unended and row == start + len(lines) - 1 and cut_short(cells[width - 1], lasts, dialect.decimal_comma):
            tally.skip("half-written last row", row)
        elif sorted(cells[:width]) == sorted(header):
            raise ValueError(f"row {row}: the columns change their order here ({', '.join(cells[:width])}); split the file there")
        else:
            lasts += [cells[width - 1]] if unended and cells[width - 1] else []
            yield row, cells[:width]


def _split(lines: list[str], start: int, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Numbered rows of stripped cells; a quoted cell may run over several lines."""
    if dialect.delimiter in (" ", "|", "&") or len(dialect.delimiter) > 1 or any('"' in line or "\0" in line for line in lines):
        clean = [line.replace("\0", "") for line in lines]
        yield from ((row, split(line, dialect.delimiter)) for row, line in logical(clean, start))
        return
    reader = csv.reader(lines, delimiter=dialect.delimiter, skipinitialspace=True)
    try:
        for row, cells in enumerate(reader, start):
            yield row, [cell.strip() for cell in cells]
    except csv.Error:
        yield from ((start + i, split(line, dialect.delimiter)) for i, line in enumerate(lines) if i >= reader.line_num - 1)


IMPORTERS = (Importer("csv", "table of text (CSV, TSV, semicolons, spaces)", recognises, read),)
