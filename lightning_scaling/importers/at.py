"""`--at 10k steps`, `--at 200M tokens`, `--at 100 epochs`, or a bare number: a place of a run in the units of its curve."""

import re

import numpy as np

from lightning_scaling.importers.column_names import listed
from lightning_scaling.importers.reading import UNITS, Reading
from lightning_scaling.numbers import count, parse_count

FAR = 50.0
_WORDS = dict.fromkeys(listed("step steps iterations iters updates"), "step") | dict.fromkeys(listed("token tokens tok"), "tokens")
_WORDS |= dict.fromkeys(listed("epoch epochs"), "epoch") | dict.fromkeys(listed("sample samples examples"), "samples")


def place(text: str, reading: Reading, option: str = "--at") -> tuple[float, str]:
    """(the place in the curve's units, a remark on how it was understood or an empty one).

    A bare number counts what the file counts; where that is tokens and the number lies before the first of them but beyond the last step,
    it can only be steps.

    Raises:
        ValueError: no positive number, an unknown unit, or a unit that the file cannot be converted to; the message names the remedy.
    """
    number, unit = amount(text, option)
    if unit is None:
        unit = reading.clock
        tokens, step = reading.curve.tokens, reading.curve.step
        if (
            unit == "tokens"
            and step is not None
            and step is not tokens
            and len(step)
            and number < tokens[0]
            and number >= 0.5 * step[-1] != tokens[-1]
        ):
            return _steps(
                number, reading
            ), f"{option} {text} is read as steps, as the file begins at {count(tokens[0])} tokens; write '{text} tokens' for tokens"
    if unit == reading.clock:
        at = number * (reading.facts["tokens_per_step"] if reading.unit == "tokens" and unit == "step" else 1.0)
        return at, _far(at, reading, option, text)
    return _converted(number, unit, reading, option, text), ""


def _far(at: float, reading: Reading, option: str, text: str) -> str:
    """A remark where the place is so far outside of what was logged that another unit may be meant."""
    first, last = float(reading.curve.tokens[0]), float(reading.curve.tokens[-1])
    if first <= at <= FAR * last:
        return ""
    where = "lies before the first row" if at < first else f"is {at / last:.0f} times what was logged"
    return f"{option} {text} {where} ({count(first)} to {count(last)} {reading.unit}): is another unit meant?"


def amount(text: str, option: str = "--at") -> tuple[float, str | None]:
    """(number, kind of clock or None) of a text such as "10k steps".

    >>> amount("10k steps"), amount("2e9"), amount("200M tokens"), amount("1.5 epochs")
    ((10000.0, 'step'), (2000000000.0, None), (200000000.0, 'tokens'), (1.5, 'epoch'))
    """
    found = re.fullmatch(r"\s*([-+]?[\d.,_]+(?:[eE][-+]?\d+)?\s*[kKMBGT]?)\s*([A-Za-z]+)?\s*", text)
    number = parse_count(re.sub(r"\s", "", found[1])) if found else float("nan")
    if found is None or not 0 < number < float("inf"):
        raise ValueError(f"{option} must be a positive number such as 10000, 10k steps, 200M tokens or 100 epochs, got {text!r}")
    if found[2] is not None and found[2].lower() not in _WORDS:
        raise ValueError(f"{option} counts steps, tokens, samples or epochs, got {text!r}")
    return number, None if found[2] is None else _WORDS[found[2].lower()]


def _converted(number: float, unit: str, reading: Reading, option: str, text: str) -> float:
    facts = reading.facts
    if unit == "tokens" and reading.unit == "tokens":
        return number
    if unit == "step" and reading.clock == "tokens" and reading.curve.step is not None and reading.curve.step is not reading.curve.tokens:
        return _steps(number, reading)
    if unit == "step" and reading.clock == "epoch" and "steps_per_epoch" in facts:
        return number / facts["steps_per_epoch"]
    if unit == "epoch" and reading.clock == "step" and "steps_per_epoch" in facts:
        steps = number * facts["steps_per_epoch"]
        return steps * facts["tokens_per_step"] if reading.unit == "tokens" else steps
    if unit == "epoch" and reading.clock == "tokens" and "tokens_per_epoch" in facts:
        return number * facts["tokens_per_epoch"]
    remedy = "give --tokens-per-step" if {unit, reading.clock} == {"tokens", "step"} else f"give {option} in {UNITS[reading.clock]}"
    raise ValueError(
        f"{option} {text}: {reading.name} counts {UNITS[reading.clock]} and does not hold how many {UNITS[unit]} those are; {remedy}"
    )


def _steps(number: float, reading: Reading) -> float:
    """Tokens at a step: by the curve within it, beyond it by the tokens of its last steps."""
    step, tokens = reading.curve.step, reading.curve.tokens
    assert step is not None
    if number <= step[-1]:
        return float(np.interp(number, np.append(0.0, step), np.append(0.0, tokens)))
    half = len(step) // 2
    per = (tokens[-1] - tokens[half]) / (step[-1] - step[half]) if step[-1] > step[half] else tokens[-1] / step[-1]
    return float(tokens[-1] + per * (number - step[-1]))
