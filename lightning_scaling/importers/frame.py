"""Rows of a file as columns: what every importer yields, whatever the file was.

NaN is an absent cell (trackers leave one empty where another metric was logged); infinity is a loss that broke, written as nan or inf.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from math import isfinite
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.importers.cells import BROKEN, number
from lightning_scaling.importers.tally import Tally

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


def strict_json(text: str) -> Any:
    """A JSON document; too deep a nesting is a ValueError like any other damage."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
