"""How results print themselves: a sentence and a small table, the same in a terminal and in a notebook."""

from collections.abc import Sequence
from html import escape

Rows = Sequence[Sequence[str]]


class Printed:
    """A result with `_sentence()` and, where it helps, `_table()`: rows of cells, the head first."""

    def _sentence(self) -> str:
        raise TypeError(f"{type(self).__name__} has no sentence")  # pragma: no cover - every result defines one

    def _table(self) -> Rows:
        return ()

    def __str__(self) -> str:
        return "\n\n".join(part for part in (self._sentence(), aligned(self._table())) if part)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in self._table()]
        rows[:1] = [row.replace("td>", "th>") for row in rows[:1]]
        table = "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>" if rows else ""
        return f"<p>{escape(self._sentence())}</p>{table}"


def aligned(rows: Rows) -> str:
    """Rows as columns: the first to the left, the others to the right.

    >>> print(aligned([("loss", "value"), ("E", "1.69")]))
    loss  value
    E      1.69
    """
    if not rows:
        return ""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    cells = ([cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))] for row in rows)
    return "\n".join("  ".join(row).rstrip() for row in cells)


def as_html(text: str) -> str:
    """Plain text in a notebook."""
    return f"<pre>{escape(text)}</pre>"
