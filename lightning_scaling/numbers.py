"""How a number is written for people, 1.3M parameters, 2.38T tokens, 6.94e-8 PF-days, a loss of 2.311, and how what they write is read."""

import math
import re
from collections.abc import Callable
from typing import TypeGuard

_LETTERS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
ABSENT = "–"
# An interval whose ends are this far apart says no more than that a value is not known.
OPEN, OPEN_FROM = "open", 1e4
# Powers of ten of what is written behind a number; P, E and Z before FLOPs only, as 5E is no number elsewhere.
SIZES = {"": 0, "k": 3, "m": 6, "b": 9, "g": 9, "t": 12, "p": 15, "e": 18, "z": 21, "y": 24} | {
    word: power
    for words, power in (("thousand", 3), ("million mn mio", 6), ("billion bn mrd", 9), ("trillion tn", 12))
    for word in words.split()
}
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_COUNT = re.compile(
    r"""(?P<digits>[+-]?(?:\d{1,3}(?:[, ]\d{3})+(?:\.\d*)?|\d[\d_]*(?:[.,]\d*)?|\.\d+))(?:e(?P<power>[+-]?\d+))?
        \s*(?P<size>k|m|b|g|t|thousand|million|mn|mio|billion|bn|mrd|trillion|tn)?
        \s*(?:(?P<unit_size>kilo|mega|giga|tera|peta|exa|zetta|yotta|[kmgtpezy])?flops?|tokens?|toks?|params?|parameters|samples|examples|steps)?""",
    re.IGNORECASE | re.VERBOSE,
)

_DAYS = re.compile(
    r"(?P<amount>.+?)\s*(?P<prefix>(?:kilo|mega|giga|tera|peta|exa|zetta|yotta|[kmgtpezy])?)f(?:lops?)?[\s/·-]*(?:s[\s/·-]*)?d(?:ays?)?",
    re.IGNORECASE,
)
_THINGS = re.compile("tok|param|sampl|exampl|step", re.IGNORECASE)


def count(value: float | None) -> str:
    """A number of things, to three digits.

    >>> count(1_300_000), count(2.38e12), count(999_999), count(12), count(6e-6), count(None)
    ('1.3M', '2.38T', '1M', '12', '6e-6', '–')
    """
    if not _finite(value):
        return ABSENT
    rounded = float(f"{value:.3g}")
    if abs(rounded) >= 1e15 or 0 < abs(rounded) < 1e-4:
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
    """A signed error, e.g. of a forecast against the observed loss.

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
    """An interval, each end written by `write`; unbounded ends are stated, and one of positive ends over four powers of ten is open.

    >>> between(2.28, 2.35), between(1e6, 3e6, count), between(1.0, math.inf), between(None, None), between(1e-3, 1e3)
    ('2.280–2.350', '1M–3M', '≥ 1.000', '–', 'open')
    """
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ABSENT
    if math.isinf(low) and math.isinf(high):
        return "not bounded"
    if 0 < OPEN_FROM * low < high < math.inf:
        return OPEN
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
    """A name that fits, its middle left out; names differ at their ends.

    >>> shortened("gpt-1m-seed-3", 24), shortened("x" * 200, 9)
    ('gpt-1m-seed-3', 'xxxx…xxxx')
    """
    name = " ".join(name.split())
    if len(name) <= most:
        return name
    kept = most - 1
    return f"{name[: kept - kept // 2]}…{name[len(name) - kept // 2 :]}"


def parse_count(text: str) -> float:
    """The number in a count as people write it; NaN for what is none, and for a share or a cost in another unit.

    Powers (7e9, 7×10^9, 7*10**9, 10²³), letters and words (7B, 1.4 trillion), thousands (7,000,000, 7_000), a decimal comma (4,6302), and
    what is counted behind it (tokens, parameters, FLOPs, EFLOPs).

    >>> parse_count("1.4T"), parse_count("7 000"), parse_count("many")
    (1400000000000.0, 7000.0, nan)
    >>> parse_count(".5e9"), parse_count("7×10^9"), parse_count("1e23 FLOPs"), parse_count("2.5 ZFLOPs"), parse_count("300B tokens")
    (500000000.0, 7000000000.0, 1e+23, 2.5e+21, 300000000000.0)
    """
    found = _COUNT.fullmatch(_with_exponent(text.strip()))
    if found is None:
        return math.nan
    size = SIZES[(found["size"] or "").lower()] + SIZES[(found["unit_size"] or "")[:1].lower()]
    return float(f"{_point(found['digits'])}e{int(found['power'] or 0) + size}")


def _with_exponent(text: str) -> str:
    """7 × 10⁹, 7x10^9 and 7*10**9 as 7e9, 10^23 as 1e23; a typeset minus or space as those of a keyboard."""
    text = re.sub("[⁰¹²³⁴-⁹⁺⁻]+", lambda found: "^" + found[0].translate(_RAISED), text)
    text = re.sub("[\u00a0\u2009\u202f]", " ", text.replace("−", "-"))
    text = re.sub(r"\s*[×x·*]\s*10\s*(?:\^|\*\*)\s*(?=[+-]?\d)", "e", text)
    return re.sub(r"^10\s*(?:\^|\*\*)\s*(?=[+-]?\d)", "1e", text)


def _point(digits: str) -> str:
    """Digits with a point for the decimals and nothing between thousands; a comma that parts no thousands is a decimal one."""
    digits = re.sub(r"[_ ]", "", digits)
    if re.fullmatch(r"[+-]?\d+,\d+", digits) and not re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", digits):
        return digits.replace(",", ".")
    return digits.replace(",", "")


def parse_compute(text: str) -> float:
    """FLOPs as people write compute, bare or with a unit: FLOPs with an SI prefix, or PF-days; NaN for what is none.

    >>> [parse_compute(text) for text in ("1e23", "1e23 FLOPs", "100 ZFLOPs", "7×10^9", "3.3 PF-days", "1 petaflop/s-day", "7 tokens")]
    [1e+23, 1e+23, 1e+23, 7000000000.0, 2.8512e+20, 8.64e+19, nan]
    """
    days = _DAYS.fullmatch(text.strip())
    if days is None:
        return math.nan if _THINGS.search(text) else parse_count(text)
    return float(f"{parse_count(days['amount']) * 86_400 * 10 ** SIZES[days['prefix'][:1].lower()]:.15g}")


def _finite(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)
