"""What was not taken from a file, and what was done to the rest: each reason once, with its first row and the number of rows."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


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

    @property
    def count(self) -> int:
        """Rows that were not taken, over all reasons."""
        return sum(n for _, n in self.skipped.values())

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
