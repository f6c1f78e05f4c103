"""Counts as people write them: 7e9, 7B, 1.4T, 350M."""

SUFFIXES = {"K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12}


def parse_count(text: str) -> float:
    """The number, NaN for what is none.

    >>> parse_count("1.4T"), parse_count("7_000"), parse_count("many")
    (1400000000000.0, 7000.0, nan)
    """
    plain = text.strip().replace("_", "").replace(",", "").upper()
    scale = SUFFIXES.get(plain[-1:], 1.0)
    try:
        return float(plain[:-1] if scale > 1 else plain) * scale
    except ValueError:
        return float("nan")
