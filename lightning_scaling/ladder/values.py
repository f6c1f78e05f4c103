"""How single values of a design are read: counts as people write them, names, lists, import paths."""

import math
from typing import Any

from lightning_scaling.numbers import parse_compute, parse_count


def whole(value: Any) -> int:
    """A count of at least 1, such as 128, 7e9 or 7B."""
    if isinstance(value, bool):
        raise ValueError
    number = parse_count(str(value))
    if not (math.isfinite(number) and number >= 1):
        raise ValueError
    return round(number)


def natural(value: Any) -> int:
    """A whole number from 0."""
    if isinstance(value, bool) or int(value) != float(value) or int(value) < 0:
        raise ValueError
    return int(value)


def compute(value: Any) -> float:
    """An amount of compute, such as 6e10, 100 ZFLOPs or 3.3 PF-days."""
    number = parse_compute(str(value))
    if isinstance(value, bool) or not (math.isfinite(number) and number > 0):
        raise ValueError
    return number


def positive(value: Any) -> float:
    """A number above zero."""
    number = float(value)
    if isinstance(value, bool) or not (math.isfinite(number) and number > 0):
        raise ValueError
    return number


def share(value: Any) -> float:
    """A number from 0 to 1."""
    number = float(value)
    if isinstance(value, bool) or not 0 <= number <= 1:
        raise ValueError
    return number


def switch(value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise ValueError
    return value


def switch_or_share(value: Any) -> bool | float:
    """True, False, or a number above zero and below 1."""
    if isinstance(value, bool):
        return value
    number = float(value)
    if not 0 < number < 1:
        raise ValueError
    return number


def text(value: Any) -> str:
    """Words."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return value


def file_name(value: Any) -> str:
    """Words that can name a folder."""
    if set(text(value)) & set("/\\") or value.strip() in (".", ".."):
        raise ValueError
    return str(value)


def table(value: Any) -> dict[str, Any]:
    """Names and values."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError
    return value


def many(value: Any) -> list[Any]:
    """A list, or one value as a list of one."""
    found = value if isinstance(value, list) else [value]
    if not found or any(each is None for each in found):
        raise ValueError
    return found
