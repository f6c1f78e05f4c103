"""Numbers as a person reads them in a sentence: 1.2 %, 2.4B, 6.9e-8 PF-days."""

SUFFIXES = (("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3))


def percent(share: float) -> str:
    """A share as a percentage with two digits that matter.

    >>> percent(0.0123), percent(-0.00042), percent(0.5)
    ('1.2 %', '−0.042 %', '50 %')
    """
    return _signed(f"{float(f'{100 * share:.2g}'):g} %")


def count(number: float) -> str:
    """A count with three digits and a suffix.

    >>> count(2.38e12), count(124e6), count(12)
    ('2.38T', '124M', '12')
    """
    for suffix, size in SUFFIXES:
        if abs(number) >= size:
            return _signed(f"{number / size:.3g}{suffix}")
    return _signed(f"{number:.3g}")


def loss(value: float, low: float | None = None, high: float | None = None) -> str:
    """A loss, with its interval where there is one.

    >>> loss(2.6123, 2.59, 2.64)
    '2.612 (2.590 to 2.640)'
    """
    if low is None or high is None:
        return _signed(f"{value:.4g}")
    digits = f".{max(len(f'{value:.4g}'.partition('.')[2]), 1)}f"
    said, least, most = (_signed(f"{each:{digits}}") for each in (value, low, high))
    return f"{said} ({least} to {most})"


def pf_days(value: float) -> str:
    """PF-days.

    >>> pf_days(6.94e-8)
    '6.94e-08 PF-days'
    """
    return f"{value:.3g} PF-days"


def _signed(text: str) -> str:
    return f"−{text[1:]}" if text.startswith("-") else text
