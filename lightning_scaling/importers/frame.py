"""What every importer yields, whatever the file was: rows as columns, and a tally of what was not taken.

NaN is an absent cell (trackers leave one empty where another metric was logged); infinity is a loss that broke, written as nan or inf.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from math import isfinite
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.importers.cells import BROKEN, number

ROWS = 20_000


@dataclass(frozen=True)
class Frame:
    """Some consecutive rows.

    Args:
        row: (n,) row of the file of each, counted from 1.
        numbers: (n,) values by column name.
        texts: n words by column name, for columns that name a run or a metric.
    """

    row: Floats
    numbers: dict[str, Floats]
    texts: dict[str, list[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.row)


@dataclass
class Tally:
    """Reasons to skip rows and remarks about what was done; the order of their first appearance is kept.

    `kind` names the program that wrote the file where its importer knows, `columns` the names that it has,
    `facts` numbers that hold for its whole run: `total_steps`, `params`, `tokens_per_step`.

    >>> tally = Tally()
    >>> tally.skip("text where a number should be", 7); tally.skip("text where a number should be", 9)
    >>> str(tally)
    'text where a number should be: 2 rows, first row 7'
    """

    rows: int = 0
    kind: str = ""
    columns: list[str] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)
    skipped: dict[str, list[int]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def skip(self, reason: str, row: int, count: int = 1) -> None:
        """`count` rows were not taken; `row` is the first of them, counted from 1 as an editor does."""
        if count:
            first, before = self.skipped.get(reason, (row, 0))
            self.skipped[reason] = [min(first, row), before + count]

    def skip_each(self, reason: str, rows: Iterable[int]) -> None:
        """Each of `rows` was not taken."""
        each = list(rows)
        if each:
            self.skip(reason, int(min(each)), len(each))

    def remark(self, text: str) -> None:
        """Something that was done to the rows, kept once."""
        if text not in self.remarks:
            self.remarks.append(text)

    def to_json(self) -> list[dict[str, Any]]:
        """One entry a reason."""
        return [{"reason": why, "rows": n, "first_row": int(row)} for why, (row, n) in self.skipped.items()]

    def __str__(self) -> str:
        return "; ".join(f"{why}: {rows(n)}, first row {row}" for why, (row, n) in self.skipped.items())


def rows(number: int) -> str:
    """A number of rows in words.

    >>> rows(1), rows(2)
    ('1 row', '2 rows')
    """
    return f"{number} row{'s' * (number != 1)}"


def frames_of(rows: Iterable[tuple[int, Mapping[str, Any]]], tally: Tally) -> Iterator[Frame]:
    """Numbered mappings as frames of at most 20 000 rows; cells that are neither number, word nor empty are counted.

    >>> next(frames_of([(1, {"step": 5, "loss": "2.5"})], Tally())).numbers["loss"]
    array([2.5])
    """
    iterator = iter(rows)
    while batch := list(islice(iterator, ROWS)):
        tally.rows += len(batch)
        frame = _frame(batch)
        tally.columns += [name for name in frame.numbers if name not in tally.columns]
        yield frame


def _frame(batch: list[tuple[int, Mapping[str, Any]]]) -> Frame:
    names = dict.fromkeys(name for _, row in batch for name in row)
    numbers, texts = {}, {}
    for name in names:
        cells = [row.get(name) for _, row in batch]
        words = [c for c in cells if isinstance(c, str)]
        values = np.array([as_number(c) for c in cells], dtype=np.float64)
        numbers[name] = values
        if words and np.isnan([number(w) for w in words]).any():
            texts[name] = ["" if c is None else str(c) for c in cells]
    return Frame(np.array([i for i, _ in batch], dtype=np.float64), numbers, texts)


def as_number(cell: Any) -> float:
    """A value of a JSON document or of a log line as a number: NaN where there is none, infinity where it broke."""
    if type(cell) is float:
        return cell if isfinite(cell) else BROKEN
    if cell is None or isinstance(cell, bool):
        return np.nan
    if isinstance(cell, str):
        return number(cell)
    try:
        value = float(cell)
    except (TypeError, ValueError, OverflowError):
        return np.nan
    return value if np.isfinite(value) else BROKEN


def flat(document: Mapping[str, Any], above: str = "", depth: int = 4) -> dict[str, Any]:
    """Nested mappings as one, names joined with a slash.

    >>> flat({"step": 1, "train": {"loss": 2.0}})
    {'step': 1, 'train/loss': 2.0}
    """
    found: dict[str, Any] = {}
    for key, value in document.items():
        name = f"{above}/{key}" if above else str(key)
        if isinstance(value, Mapping) and depth:
            found |= flat(value, name, depth - 1)
        elif isinstance(value, list) and len(value) == 1 and isinstance(value[0], (int, float)):
            found[name] = value[0]
        else:
            found[name] = value
    return found
