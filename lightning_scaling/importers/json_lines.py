"""One JSON object a line: JSONL logs, the `log.txt` of DETR and many vision projects, lines of fairseq with the object behind a prefix."""

from collections.abc import Iterator
from typing import Any

from lightning_scaling.importers.frame import Frame, flat, frames_of, strict_json
from lightning_scaling.importers.importer import Importer
from lightning_scaling.importers.names import KEY, VALUE, role
from lightning_scaling.importers.options import Options
from lightning_scaling.importers.source import Source
from lightning_scaling.importers.tally import Tally
from lightning_scaling.importers.text_log import logged

MESSAGES = ("message", "msg", "log", "text", "textPayload", "event", "MESSAGE")


def recognises(source: Source) -> bool:
    """Most of the first lines hold an object each."""
    if not source.is_text or "{" not in source.text:
        return False
    lines = [line for line in source.text.splitlines()[:100] if line.strip()]
    whole = [line for line in lines if _object(line) is not None]
    return len(whole) > 0.5 * len(lines) and (len(lines) > 1 or bool(source.suffix in (".jsonl", ".ndjson")))


def read(source: Source, options: Options, tally: Tally) -> Iterator[Frame]:
    """The objects as rows, nested names joined with a slash; of a log whose lines lie in objects, those lines."""
    message = _message(source, options)
    if message is None:
        return frames_of(rows(source, tally), tally)
    tally.kind = "text log in JSON lines"
    lines = ((number, str(row.get(message, ""))) for number, row in rows(source, tally))
    return frames_of(logged(lines, tally), tally)


def _message(source: Source, options: Options) -> str | None:
    """The key of the text, where the first objects hold no loss of their own."""
    first = [flat(row) for line in source.text.splitlines()[:100] if (row := _object(line)) is not None]
    names = {name for row in first for name in row}
    if names & set(options.columns.values()) or any((found := role(name)) and found.what in ("loss", "perplexity") for name in names):
        return None
    held = [name for name in MESSAGES if name in names and not any(key in names for key in (*KEY, *VALUE))]
    return held[0] if held else None


def rows(source: Source, tally: Tally) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects as they are, nested names joined."""
    for number, line in source.lines():
        found = _object(line)
        if found is not None:
            yield number, flat(found)
        elif line.strip():
            tally.skip("no JSON object", number)


def _object(line: str) -> dict[str, Any] | None:
    """The object in a line, behind whatever prefix a logger wrote."""
    start = line.find("{")
    if start < 0:
        return None
    try:
        found = strict_json(line[start:].rstrip().rstrip(","))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


IMPORTERS = (Importer("jsonl", "JSON lines", recognises, read),)
