"""How a number is written for people, 1.3M parameters, 2.38T tokens, 6.94e-8 PF-days, a loss of 2.311, and how what they write is read."""

import math
from collections.abc import Callable
from typing import TypeGuard

_LETTERS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
ABSENT = "–"
SUFFIXES = {"K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12}


def count(value: float | None) -> str:
    """A number of things, to three digits.

    >>> count(1_300_000), count(2.38e12), count(999_999), count(12), count(None)
    ('1.3M', '2.38T', '1M', '12', '–')
    """
    if not _finite(value):
        return ABSENT
    rounded = float(f"{value:.3g}")
    if abs(rounded) >= 1e15:
        return scientific(rounded)
    for size, letter in _LETTERS:
        if abs(rounded) >= size:
            return signed(f"{rounded / size:.3g}{letter}")
    return signed(f"{rounded:g}")


def scientific(value: float | None) -> str:
    """Three digits and a bare exponent; the small and large numbers of compute.

    >>> scientific(6e12), scientific(6.9444e-8), scientific(0), scientific(5.76e23)
    ('6e12', '6.94e-8', '0', '5.76e23')
    """
    if not _finite(value):
        return ABSENT
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.2e}".split("e")
    digits = mantissa.rstrip("0").rstrip(".")
    return signed(f"{digits}e{int(exponent)}")


def compute(value: float | None) -> str:
    """PF-days: plain where that is short.

    >>> compute(0.346123), compute(6.9444e-8), compute(1234.6), compute(None)
    ('0.346', '6.94e-8', '1230', '–')
    """
    return signed(f"{float(f'{value:.3g}'):g}") if _finite(value) and 0.00999 <= abs(value) < 9995 else scientific(value)


def loss(value: float | None) -> str:
    """Four digits, as losses differ in the third.

    >>> loss(2.31149), loss(0.231149), loss(10.5), loss(-2.5), loss(0.000123456), loss(float("nan"))
    ('2.311', '0.2311', '10.50', '−2.500', '1.23e-4', '–')
    """
    if not _finite(value):
        return ABSENT
    if 0 < abs(value) < 0.01:
        return plain(value)
    whole = max(math.floor(math.log10(abs(value))), -1) if value else 0
    return signed(f"{value:.{max(3 - whole, 0)}f}") if abs(value) < 1e5 else scientific(value)


def plain(value: float | None) -> str:
    """A constant or an exponent: four digits, scientific where it is far from one.

    >>> plain(0.3478), plain(482.01), plain(2085.43), plain(8.8e13)
    ('0.3478', '482', '2085', '8.8e13')
    """
    if not _finite(value):
        return ABSENT
    return signed(f"{value:.4g}") if value == 0 or 1e-3 <= abs(value) < 1e4 else scientific(value)


def percent(share: float | None) -> str:
    """A signed error, e.g. of a forecast against what came.

    >>> percent(0.0042), percent(-0.131), percent(0.0), percent(None)
    ('+0.4 %', '−13.1 %', '0.0 %', '–')
    """
    if not _finite(share):
        return ABSENT
    text = f"{100 * share:+.1f} %"
    return text[1:] if float(text[:-2]) == 0 else signed(text)


def share(value: float | None) -> str:
    """A share of something as a percentage with two digits that matter.

    >>> share(0.0123), share(-0.00042), share(0.5), share(None)
    ('1.2 %', '−0.042 %', '50 %', '–')
    """
    return signed(f"{float(f'{100 * value:.2g}'):g} %") if _finite(value) else ABSENT


def pf_days(value: float | None) -> str:
    """A cost in PF-days with its unit.

    >>> pf_days(6.94e-8)
    '6.94e-8 PF-days'
    """
    return f"{compute(value)} PF-days"


def loss_interval(value: float | None, low: float | None, high: float | None) -> str:
    """A loss with its interval.

    >>> loss_interval(2.6123, 2.59, 2.64), loss_interval(2.6123, None, None)
    ('2.612 (2.590–2.640)', '2.612')
    """
    return loss(value) if low is None or high is None else f"{loss(value)} ({between(low, high)})"


def between(low: float | None, high: float | None, write: Callable[[float | None], str] = loss) -> str:
    """An interval, each end written by `write`; unbounded ends are said, not hidden.

    >>> between(2.28, 2.35), between(1e6, 3e6, count), between(1.0, math.inf), between(None, None)
    ('2.280–2.350', '1M–3M', '≥ 1.000', '–')
    """
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ABSENT
    if math.isinf(low) and math.isinf(high):
        return "not bounded"
    if math.isinf(high):
        return f"≥ {write(low)}"
    return f"≤ {write(high)}" if math.isinf(low) else f"{write(low)}–{write(high)}"


def signed(text: str) -> str:
    """A number's text with the sign − in front instead of a hyphen; an exponent keeps its own, as programs read it.

    >>> signed("-1.5e-8")
    '−1.5e-8'
    """
    return f"−{text[1:]}" if text.startswith("-") else text


def shortened(name: str, most: int) -> str:
    """A name that fits, its middle left out; the ends are what tells names apart.

    >>> shortened("gpt-1m-seed-3", 24), shortened("x" * 200, 9)
    ('gpt-1m-seed-3', 'xxxx…xxxx')
    """
    name = " ".join(name.split())
    if len(name) <= most:
        return name
    kept = most - 1
    return f"{name[: kept - kept // 2]}…{name[len(name) - kept // 2 :]}"


def parse_count(text: str) -> float:
    """The number in a count as people write it (7e9, 7B, 1.4T, 350M); NaN for what is none.

    >>> parse_count("1.4T"), parse_count("7_000"), parse_count("many")
    (1400000000000.0, 7000.0, nan)
    """
    plain_text = text.strip().replace("_", "").replace(",", "").upper()
    scale = SUFFIXES.get(plain_text[-1:], 1.0)
    try:
        return float(plain_text[:-1] if scale > 1 else plain_text) * scale
    except ValueError:
        return float("nan")


def _finite(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)
