"""Any other text log, by a line of it that the user gives: `step {step} loss {loss} lr {lr}`."""

import re
from collections.abc import Iterator

from lightning_scaling.importers.cells import NUMBER
from lightning_scaling.importers.frame import Frame, Tally, frames_of
from lightning_scaling.importers.importer import Importer, Options
from lightning_scaling.importers.source import Source
from lightning_scaling.importers.text_log import whole_lines

FIELDS = ("step", "tokens", "epoch", "samples", "loss", "lr", "val_loss", "train_loss")
_FIELD = re.compile(r"\{(\w*)\}")


def compiled(pattern: str) -> "re.Pattern[str]":
    """The expression of a pattern: text is itself, spaces are any spaces, `{name}` is a number, `{}` is anything.

    >>> compiled("it {step} | {} loss={loss}").search("[rank0] it  5 | 3 s loss=2.5").groupdict()
    {'step': '5', 'loss': '2.5'}

    Raises:
        ValueError: a field that is not known, one that comes twice, no loss, or no clock.
    """
    fields = [name for name in _FIELD.findall(pattern) if name]
    if unknown := [name for name in fields if name not in FIELDS]:
        raise ValueError(
            f"--pattern has a field {{{unknown[0]}}}; the fields are {', '.join('{' + f + '}' for f in FIELDS)} and {{}} for anything"
        )
    if len(set(fields)) < len(fields):
        raise ValueError("--pattern names a field twice; use {} for a number that is not needed")
    if not any("loss" in name for name in fields) or not set(fields) & {"step", "tokens", "epoch", "samples"}:
        raise ValueError("--pattern needs {loss} and one of {step}, {tokens}, {epoch} or {samples}, e.g. 'step {step} loss {loss}'")
    parts = _FIELD.split(pattern)
    found = "".join(_literal(part) if i % 2 == 0 else f"(?P<{part}>{NUMBER})" if part else ".*?" for i, part in enumerate(parts))
    return re.compile(found)


def _literal(text: str) -> str:
    return r"\s+".join(re.escape(part) for part in re.split(r"\s+", text))


def recognises(source: Source) -> bool:
    """Never by itself: the user's pattern decides."""
    return False


def read(source: Source, options: Options, tally: Tally) -> Iterator[Frame]:
    """The lines that the pattern is found in."""
    if options.pattern is None:
        raise ValueError("--from pattern needs --pattern, e.g. --pattern 'step {step} loss {loss} lr {lr}'")
    return frames_of(_rows(source, compiled(options.pattern), tally), tally)


def _rows(source: Source, expression: "re.Pattern[str]", tally: Tally) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in whole_lines(source, tally):
        found = expression.search(line[:4000])
        if found is not None:
            yield number, found.groupdict()
        elif line.strip():
            tally.skip("no match of the pattern", number)


IMPORTERS = (Importer("pattern", "text log read by --pattern", recognises, read),)
