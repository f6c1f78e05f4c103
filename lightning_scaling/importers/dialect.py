"""How a table of text is written: its delimiter, where its header is, and whether its decimal sign is a comma."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lightning_scaling.importers.cells import absent, amount, is_word
from lightning_scaling.importers.column_names import numbered, role
from lightning_scaling.importers.table_columns import meaning

DELIMITERS = ("\t", ";", ",", "|", " ")
# Taken only for a header of which two names are known: these stand in sentences and times as well.
RARE = ("  ", ":", "^", "~", "#", "&", "||", "::", "\x01", "\x1f")
SAMPLE = 200
LEVELS = 3  # lines of a header
LONGEST = 20  # lines that one quoted cell may run over
# What occurs in sentences and dictionaries, not in the name of a column.
_PHRASE = re.compile(r"[{}=]|:$|[:=] [-+]?\d|(?<!\d)[:=][-+]?\d")
_QUOTED = re.compile(r'"([^"]*)"|(\S+)')
_GAPS = re.compile(r"\s{2,}")
_COMMENT = ("#", "%", "//")
_COMMA = re.compile(r"[+-]?(?:\d+,(?!\d{3}(?:\D|$))\d+|0,\d+)(?:[eE][+-]?\d+)?%?$")


@dataclass(frozen=True)
class Dialect:
    """Args:
    delimiter: a space means any run of spaces and tabs, two spaces any run of at least two.
    header: names of the columns.
    line: of the header in the file, the last one where it has several, counted from 1.
    decimal_comma: whether 4,63 is a number between 4 and 5.
    """

    delimiter: str
    header: tuple[str, ...]
    line: int
    decimal_comma: bool = False


def split(line: str, delimiter: str) -> list[str]:
    """The cells of a line, stripped; borders of a table drawn with bars are left out.

    >>> split('1, "a, b",', ","), split("| 1 | 2 |", "|"), split("1   2", " ")
    (['1', 'a, b', ''], ['1', '2'], ['1', '2'])
    """
    if delimiter == " ":
        return [quoted or plain for quoted, plain in _QUOTED.findall(line)] if '"' in line else line.split()
    if delimiter == "  ":
        return _GAPS.split(line.strip())
    if delimiter == "|":
        line = line.strip().strip("|")
    if delimiter == "&":  # LaTeX
        line = line.partition("\\\\")[0]
    if len(delimiter) > 1:
        return [cell.strip() for cell in line.split(delimiter)]
    if line.count('"') % 2:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        row = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return line.split(delimiter)
    return [cell.strip() for cell in row]


def is_comment(line: str) -> bool:
    """Whether a line is a remark to people."""
    return line.lstrip().startswith(_COMMENT)


def is_ruler(cells: Sequence[str]) -> bool:
    """Whether a line only draws a table."""
    return all(set(cell) <= set("-:=+| ") for cell in cells)


def logical(lines: Sequence[str], first: int = 1) -> Iterator[tuple[int, str]]:
    """Numbered lines, those that a quoted cell runs over joined into one; a single quote sign joins nothing.

    >>> list(logical(['1,"a', 'b",2', "3' 5\\""]))
    [(1, '1,"a\\nb",2'), (3, '3\\' 5"')]
    """
    i = 0
    while i < len(lines):
        size = 1
        if lines[i].count('"') % 2:
            ends = (k for k in range(i + 1, min(i + LONGEST, len(lines))) if lines[k].count('"') % 2)
            size = next(ends, i) - i + 1
        yield first + i, "\n".join(line.rstrip("\r\n") for line in lines[i : i + size])
        i += size


@lru_cache(8)  # asked once to know the kind of a file and again to read it
def dialect_of(text: str) -> Dialect | None:
    """The dialect of the first lines of a file, None where they are no table with a header."""
    lines = [(i, line) for i, line in logical(text.split("\n")[:SAMPLE]) if line.strip() and not is_ruler([line])]
    best: tuple[float, Dialect] | None = None
    for delimiter in (*DELIMITERS, *RARE):
        found = _header([each for each in lines if delimiter != "&" or "&" in each[1]], delimiter)
        if found is None:
            continue
        score, line, header = found
        body = [split(text, delimiter) for i, text in lines if i > line and not is_comment(text) and (delimiter != "&" or "&" in text)]
        if delimiter in RARE and not _plain(header, body):
            continue
        if best is None or score > best[0] + 1e-9:
            comma = any(_COMMA.match(cell) for row in body for cell in row)
            best = score, Dialect(delimiter, _distinct(header), line, comma)
    return best and best[1]


def _plain(names: list[str], rows: list[list[str]]) -> bool:
    """Whether two names are usual ones, and nearly all of their cells numbers."""
    known = [k for k, name in enumerate(names) if role(name) or meaning(name)]
    numbers = [len(row) == len(names) and all(not is_word(row[k], True) or amount(row[k]) > 0 for k in known) for row in rows]
    return len(known) > 1 and sum(numbers) > 0.8 * len(rows)


def _header(lines: list[tuple[int, str]], delimiter: str) -> tuple[float, int, list[str]] | None:
    """(how well it fits, line, names): the first line of words above lines of numbers, also behind a comment sign."""
    split_lines = [(i, split(line.lstrip("#% ") if is_comment(line) else line, delimiter), is_comment(line)) for i, line in lines]
    levels = _levels([cells for _, cells, _ in split_lines[: LEVELS + 1]]) if delimiter != " " else 1
    if levels > 1:
        names = _joined([cells for _, cells, _ in split_lines[:levels]])
        split_lines = [(split_lines[levels - 1][0], names, False), *split_lines[levels:]]
    for place, (i, cells, comment) in enumerate(split_lines[:50]):
        names = cells[:-1] if len(cells) > 1 and not cells[-1] else cells
        if len(names) < 2 or not _names(names) or (comment and not any(role(name) for name in names)):
            continue
        below = [row for _, row, remark in split_lines[place + 1 :] if not remark and row != cells]
        if delimiter == " " and below and sum(_indexed(row, len(names)) for row in below) > 0.6 * len(below):
            names = ["", *names]
        fits = [row for row in below if _fits(row, len(names))]
        known = any(role(name) for name in names)
        if (
            below
            and len(fits) >= 0.6 * len(below)
            and _numeric([[cell for cell, name in zip(row, names, strict=False) if role(name) or not known] for row in fits])
        ):
            return len(fits) / len(below) + known - place * 0.01, i, names
    return None


def _levels(lines: list[list[str]]) -> int:
    """How many lines of words a table begins with: two or three where its header has levels, merged cells or units."""
    words = [len(cells) == len(lines[0]) and any(set(cell) - set("-:= ") for cell in cells) and _worded(cells) for cells in lines]
    found = words.index(False) if False in words else 0
    joined = _joined(lines[:found]) if found > 1 else []
    twice = len(set(map(tuple, lines[:found]))) < found
    return found if len(joined) > 1 and not twice and sum(role(name) is not None for name in joined) > 1 else 1


def _worded(cells: list[str]) -> bool:
    return all(not cell or (is_word(cell, True) and not cell.lstrip("~≈+-. ")[:1].isdigit()) for cell in cells)


def _joined(lines: list[list[str]]) -> list[str]:
    """One name a column: a cell of an upper level also names the empty ones on its right, which merged cells leave."""
    titled = [level for level, cells in enumerate(lines[:-1]) if not any(cells[1:])]  # one cell alone is a title
    above = [_spread(cells, lines[level + 1 :]) for level, cells in enumerate(lines[:-1]) if level not in titled]
    return [" ".join(dict.fromkeys(filter(None, column))) for column in zip(*above, lines[-1], strict=True)]


def _spread(cells: list[str], below: list[list[str]]) -> list[str]:
    found: list[str] = []
    for k, cell in enumerate(cells):
        found.append(found[-1] if not cell and found and any(line[k] for line in below) else cell)
    return found


def _names(cells: list[str]) -> bool:
    """Words, none of them a number; one empty name is an index column's."""
    return (
        all((is_word(cell) or not cell) and not _PHRASE.search(cell) for cell in cells)
        and sum(not cell for cell in cells) <= 1
        and all(len(c) < 300 for c in cells)
    )


def _fits(row: list[str], width: int) -> bool:
    return len(row) == width or (len(row) == width + 1 and not row[-1])


def _indexed(row: list[str], width: int) -> bool:
    """Whether a printed data frame's index, which has no name in its header, is before the cells."""
    return len(row) == width + 1 and row[0].isdigit()


def _numeric(rows: list[list[str]]) -> bool:
    """Whether some cell of most rows is a number or begins with one."""
    return sum(any(map(_begins_as_number, row)) for row in rows) >= 0.5 * len(rows)


def _begins_as_number(cell: str) -> bool:
    return cell[:1].isdigit() or bool(cell and not absent(cell) and not is_word(cell, True))


def _distinct(names: list[str]) -> tuple[str, ...]:
    """A name that comes twice is numbered, so that no column hides another."""
    found: list[str] = []
    for name in names:
        found.append(numbered(name, found))
    return tuple(found)
