"""JSON: a document (`trainer_state.json`, a list of rows, a data frame, charts), documents one behind another, or one object a line.

Objects of lines may lie behind a prefix, as fairseq's do, or hold the line of a text log under `message`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lightning_scaling.importers.column_names import KEY, VALUE, role
from lightning_scaling.importers.frame import Frame, Tally, flat, frames_of
from lightning_scaling.importers.importer import Importer, Options
from lightning_scaling.importers.source import Source
from lightning_scaling.importers.text_log import logged

MOST_BYTES = 512 * 2**20
_LOGGED = re.compile(r"\[[^\[\]{}\"\n]*\][^,\]\s]|\[[^\[\]{}\"\n]*\] +\w")  # `[1,  2000] loss: 2.2`, `[rank 0] step 5`
_BETWEEN = re.compile(r"[\s,]*")
_FACTS = {"max_steps": "total_steps", "total_steps": "total_steps", "n_parameters": "params", "num_parameters": "params"}
MESSAGES = ("message", "msg", "log", "text", "textPayload", "event", "MESSAGE")


def recognises_document(source: Source) -> bool:
    """One object or one list, over many lines or a single one."""
    text = source.text.lstrip("﻿ \t\r\n")
    return source.is_text and text[:1] in ("{", "[") and not recognises_lines(source) and _json(text)


def _json(text: str) -> bool:
    """Whether the text begins as JSON does: a list of anything, or an object whose first key is quoted."""
    rest = text[1:].lstrip()
    if text[0] == "[" and _LOGGED.match(text):
        return False
    return (
        not rest
        or rest[0] in ('{["' if text[0] == "[" else '"}')
        or (text[0] == "[" and re.match(r"\]|-?[\d.]+(?:[eE]-?\d+)?\s*,", rest) is not None)
    )


def read_document(source: Source, options: Options, tally: Tally) -> Iterator[Frame]:
    """The rows of the document; ValueError where it holds none or is damaged."""
    document = _document(source, tally)
    if isinstance(document, Mapping):
        for key, fact in _FACTS.items():
            if isinstance(document.get(key), (int, float)) and document[key] > 0:
                tally.facts[fact] = float(document[key])
    found = _rows(document)
    if isinstance(document, Mapping) and "log_history" in document:
        tally.kind = "trainer_state.json of transformers"
    if not found:
        raise ValueError(
            f"{source.name}: a JSON document without rows of losses; expected a list of objects such as {{'step': 1, 'loss': 5.2}}"
        )
    if not any((meant := role(name)) and meant.what in ("step", "tokens", "epoch", "samples") for row in found[:100] for name in row):
        found = [{"epoch": i, **row} for i, row in enumerate(found, 1)]
        tally.remark("no clock in the file: its rows are counted as epochs")
    return frames_of(enumerate(found, 1), tally)


def rows_of_document(source: Source, tally: Tally) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of the document as they are."""
    yield from enumerate(_rows(_document(source, tally)), 1)


def _document(source: Source, tally: Tally) -> Any:
    with source.open() as stream:
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"{source.name}: a JSON document of more than {MOST_BYTES >> 20} MB; write it as JSON lines or CSV")
    text = data.decode(source.encoding, "replace")
    try:
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            if error.msg != "Extra data":
                raise
            return _one_behind_another(text, tally)
    except (ValueError, RecursionError) as error:
        place = f"row {error.lineno}" if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        raise ValueError(
            f"{source.name}: damaged JSON ({place}: {getattr(error, 'msg', error)}); is the file still being written?"
        ) from None


def _one_behind_another(text: str, tally: Tally) -> list[Any]:
    """Documents that follow each other without a list around them; one at the end that is still being written is left out."""
    found: list[Any] = []
    decoder, place = json.JSONDecoder(), 0
    while rest := _BETWEEN.match(text, place):
        place = rest.end()
        if place == len(text):
            break
        try:
            document, place = decoder.raw_decode(text, place)
        except json.JSONDecodeError:
            if len(found) < 2 or text.find("\n{", place) >= 0:
                raise
            tally.skip("half-written last object", len(found) + 1)
            break
        found.append(document)
    return found


def _rows(document: Any, depth: int = 3) -> list[dict[str, Any]]:
    """The rows of a document: a list of objects, columns of one length, points of a chart, or objects by their step."""
    if isinstance(document, list):
        return _listed(document)
    if not isinstance(document, Mapping):
        return []
    if isinstance(document.get("columns"), list) and isinstance(document.get("data"), list):
        return [dict(zip(document["columns"], row, strict=False)) for row in document["data"] if isinstance(row, list)]
    lists = {name: value for name, value in flat(document).items() if isinstance(value, list) and value}
    below = (_rows(value, depth - 1) for value in document.values() if depth and isinstance(value, Mapping))
    found = [_charts(lists), *_parts(lists), _columns(lists), _by_index(document), *below]
    return max(found, key=len)


def _listed(items: list[Any]) -> list[dict[str, Any]]:
    if items and all(isinstance(row, list) and len(row) == 3 for row in items):
        return [dict(zip(("wall time", "step", "value"), row, strict=True)) for row in items]
    rows = [row for row in items if isinstance(row, Mapping)]
    if drawn := [each for row in rows for each in _points(row)]:
        return drawn
    return [flat(row) for row in rows]


def _parts(lists: Mapping[str, list[Any]]) -> list[list[dict[str, Any]]]:
    """Lists of objects with a loss, such as those of `train` and of `val`, as rows of one run where they are several; else each."""
    found = {name: rows for name, items in lists.items() if (rows := _listed(items) or _pairs(name, items))}
    lossy = {name: rows for name, rows in found.items() if any(_is_loss(key) for key in rows[0])}
    if len(lossy) < 2:
        return [*found.values()]
    return [[{_of(name, key): value for key, value in row.items()} for name, rows in lossy.items() for row in rows]]


def _of(name: str, key: str) -> str:
    """The name of a loss with that of the part of the data it is of."""
    return f"{name}/{key}" if _is_loss(key) else key


def _is_loss(name: str) -> bool:
    return (meant := role(name)) is not None and meant.what == "loss"


def _pairs(name: str, items: list[Any]) -> list[dict[str, Any]]:
    """`[[step, loss], …]` under the name of a loss."""
    pairs = [item for item in items if isinstance(item, list) and len(item) == 2]
    return [{"step": step, name: value} for step, value in pairs] if len(pairs) == len(items) and _is_loss(name) else []


def _points(chart: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The points of a line `{"name": …, "x": […], "y": […]}`, as plotting and tracking programs export them."""
    x, y = chart.get("x"), chart.get("y")
    if not isinstance(x, list) or not isinstance(y, list):
        return []
    name = str(chart.get("name") or "value")
    return [{"step": step, name if _is_loss(name) else "value": value} for step, value in zip(x, y, strict=False)]


def _charts(lists: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """The same below the names of its metric and of its part of the data."""
    named = {
        name.removesuffix("/x"): (x, lists[name[:-1] + "y"])
        for name, x in lists.items()
        if name.endswith("/x") and name[:-1] + "y" in lists
    }
    return [row for name, (x, y) in named.items() for row in _points({"name": name, "x": x, "y": y})]


def _columns(lists: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Lists of one length as rows."""
    plain = {name: values for name, values in lists.items() if not any(isinstance(x, (dict, list)) for x in values)}
    lossy = {name: values for name, values in plain.items() if role(name)} or plain
    length = max((len(values) for values in lossy.values()), default=0)
    named = {_last(name, plain): values for name, values in plain.items() if len(values) == length}
    return [dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=True)] if any(role(name) for name in named) else []


def _last(name: str, names: Mapping[str, Any]) -> str:
    """A column's own name where no other part of the document has one of that name."""
    own = name.rsplit("/", 1)[-1]
    return own if sum(each.rsplit("/", 1)[-1] == own for each in names) == 1 and role(own) == role(name) else name


def _by_index(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Objects by their number, the step where they have no clock of their own, or by the name of a run; columns of values by number."""
    if document and all(isinstance(value, Mapping) for value in document.values()):
        if all(str(key).isdigit() for key in document):
            return [{"step": int(key), **flat(value)} for key, value in document.items()]
        if all(str(key).isdigit() for value in document.values() for key in value):
            return _columns({name: list(value.values()) for name, value in document.items()})
        if all(any(_is_loss(key) and isinstance(cell, (int, float)) for key, cell in value.items()) for value in document.values()):
            return [{"run": key, **flat(value)} for key, value in document.items()]
    return []


def recognises_lines(source: Source) -> bool:
    """Most of the first lines hold an object each."""
    if not source.is_text or "{" not in source.text:
        return False
    lines = [line for line in source.text.splitlines()[:100] if line.strip()]
    whole = [line for line in lines if _object(line) is not None]
    return len(whole) > 0.5 * len(lines) and (len(lines) > 1 or bool(source.suffix in (".jsonl", ".ndjson")))


def read_lines(source: Source, options: Options, tally: Tally) -> Iterator[Frame]:
    """The objects as rows, nested names joined with a slash; of a log whose lines lie in objects, those lines."""
    message = _message(source, options)
    if message is None:
        return frames_of(rows_of_lines(source, tally), tally)
    tally.kind = "text log in JSON lines"
    lines = ((number, str(row.get(message, ""))) for number, row in rows_of_lines(source, tally))
    return frames_of(logged(lines, tally), tally)


def _message(source: Source, options: Options) -> str | None:
    """The key of the text, where the first objects hold no loss of their own."""
    first = [flat(row) for line in source.text.splitlines()[:100] if (row := _object(line)) is not None]
    names = {name for row in first for name in row}
    if names & set(options.columns.values()) or any((found := role(name)) and found.what in ("loss", "perplexity") for name in names):
        return None
    held = [name for name in MESSAGES if name in names and not any(key in names for key in (*KEY, *VALUE))]
    return held[0] if held else None


def rows_of_lines(source: Source, tally: Tally) -> Iterator[tuple[int, dict[str, Any]]]:
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
        found = json.loads(line[start:].rstrip().rstrip(","))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


IMPORTERS = (
    Importer("json", "JSON document", recognises_document, read_document),
    Importer("jsonl", "JSON lines", recognises_lines, read_lines),
)
