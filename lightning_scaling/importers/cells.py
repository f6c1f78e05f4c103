"""What a cell of a table or a place of a log holds: a number as people and programs write it, nothing at all, or a value that broke."""

import re
from collections.abc import Sequence

import numpy as np

from lightning_scaling.numbers import parse_compute, parse_count

BROKEN = np.inf
NEARLY = 0.05  # of the value before: a last number that is nearer to it is whole, or harmless
# A number among other words, for expressions that search a line.
NUMBER = (
    r"(?:[-+]?(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+(?:_\d{3})*)(?:\.\d*)?(?:[eE][-+]?\d+)?|[-+]?\.\d+(?:[eE][-+]?\d+)?"
    r"|[-+]?(?i:nan|inf)\b)"
)
_ABSENT = {"", "none", "null", "n/a", "na", "-", "–", "—", "--", "?", ".", "nil", "undefined", "missing", "#n/a", "<na>", "pending", "tbd"}
_ERROR = re.compile(r"\s*(?:(?:±|\+/-|\+-|\\pm).*|(?<=\d)\(\d+\))$")
_MARKUP = re.compile(r"\*\*|__|\\(?:text|math)[a-z]+|[${}]")  # of Markdown and LaTeX
_COUNTED = re.compile(r"\s+(?:tokens?|params?|parameters?|nats|flops?)$", re.IGNORECASE)
_NAN = {"nan", "+nan", "-nan", "inf", "+inf", "-inf", "infinity", "-infinity", "+infinity", "1.#inf", "1.#qnan", "#num!", "#div/0!"}
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?$")
_GROUPED_SPACE = re.compile(r"[+-]?[1-9]\d{0,2}(?:[   '_]\d{3})+(?:[.,]\d*)?$")
_GROUPED_POINT = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?$")
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?$")  # Fortran writes 1.5D+02


def absent(text: str) -> bool:
    """Whether the cell is absent: empty, None, N/A, a dash.

    >>> absent(" None "), absent("nan"), absent("0")
    (True, False, False)
    """
    return text.strip().lower() in _ABSENT


def number(text: str, decimal_comma: bool = False) -> float:
    """The number in a cell: NaN for an absent one and for words, infinity for a value that broke (`nan`, `inf`).

    A share in percent is its fraction. With `decimal_comma` the comma is the decimal sign of the table.

    >>> number("1,000"), number("20.0%"), number("4,6302", decimal_comma=True), number("nan"), number("None"), number("two")
    (1000.0, 0.2, 4.6302, inf, nan, nan)
    """
    plain = text.strip().strip("'\"").strip()
    lower = plain.lower()
    if lower in _ABSENT:
        return np.nan
    if lower in _NAN:
        return BROKEN
    if plain.endswith("%"):
        return number(plain[:-1], decimal_comma) / 100
    plain = plain.replace("−", "-")
    value = _plain(plain, decimal_comma)
    return value if np.isfinite(value) or np.isnan(value) else BROKEN


def _plain(plain: str, decimal_comma: bool) -> float:
    if _PLAIN.match(plain) and not (decimal_comma and _GROUPED_POINT.match(plain)):
        return float(plain.lower().replace("d", "e"))
    if decimal_comma:
        whole = plain.replace(".", "") if _GROUPED_POINT.match(plain) else plain
        whole = re.sub(r"[   '_]", "", whole).replace(",", ".")
        return float(whole.lower().replace("d", "e")) if _PLAIN.match(whole) else np.nan
    if _GROUPED.match(plain):
        return float(plain.replace(",", ""))
    if _GROUPED_SPACE.match(plain):
        return float(re.sub(r"[   '_]", "", plain).replace(",", "."))
    return np.nan


def counted(text: str) -> tuple[float, float | None] | None:
    """(a count, the whole it is part of) in a cell such as `1.2M`, `0.05k` or `50/3000`; None where the cell is no count.

    >>> counted("52.4M"), counted("50/3,000"), counted("soon")
    ((52400000.0, None), (50.0, 3000.0), None)
    """
    parts = re.split(r"\s*/\s*|\s+of\s+", text.strip(), maxsplit=1)
    found = [parse_count(part) for part in parts]
    if not np.isfinite(found).all() or (len(found) == 2 and found[0] > found[1]):
        return None
    return found[0], found[1] if len(found) == 2 else None


def amount(text: str, unit: float = 1.0, decimal_comma: bool = False) -> float:
    """The number in a cell of a table of runs: in the unit written behind it, else in `unit`; of `3.91 ± 0.02` and `3.91(2)` the first.

    >>> amount("70 M"), amount("2.6 × 10^20"), amount("3.91 ± 0.02"), amount("5 PF-days"), amount("7", 1e9), amount("300 tokens", 1e9)
    (70000000.0, 2.6e+20, 3.91, 4.32e+20, 7000000000.0, 300000000000.0)
    """
    text = _COUNTED.sub("", _ERROR.sub("", _MARKUP.sub("", text.replace(r"\times", "×"))).strip().lstrip("~≈ "))
    value = number(text, decimal_comma)
    return parse_compute(text) if np.isnan(value) else value * unit


def cut_short(cell: str, above: Sequence[str], decimal_comma: bool = False) -> bool:
    """Whether the last number of an unended file was still being written: shorter than any above it, and no value like the one before.

    Where all above are of one length, being shorter is enough.

    >>> cut_short("2", ["2.51", "2.50"]), cut_short("2.5", ["2.51", "2.4999"])
    (True, False)
    """
    lengths = {len(each) for each in above}
    if not above or not 0 < len(cell) < min(lengths):
        return False
    value, before = number(cell, decimal_comma), number(above[-1], decimal_comma)
    return len(lengths) == 1 or not abs(value - before) <= NEARLY * abs(before)


def is_word(text: str, decimal_comma: bool = False) -> bool:
    """Whether the cell holds text where a number would be."""
    return not absent(text) and bool(np.isnan(number(text, decimal_comma)))
