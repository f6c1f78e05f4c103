"""One JSON document: `trainer_state.json` of transformers, a list of rows, a data frame, a Keras history, TensorBoard's export."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lightning_scaling.importers import json_lines
from lightning_scaling.importers.frame import Frame, flat, frames_of
from lightning_scaling.importers.importer import Importer
from lightning_scaling.importers.names import role
from lightning_scaling.importers.options import Options
from lightning_scaling.importers.source import Source
from lightning_scaling.importers.tally import Tally

MOST_BYTES = 512 * 2**20
_FACTS = {"max_steps": "total_steps", "total_steps": "total_steps", "n_parameters": "params", "num_parameters": "params"}


def recognises(source: Source) -> bool:
    """One object or one list, over many lines or a single one."""
    text = source.text.lstrip("﻿ \t\r\n")
    return source.is_text and text[:1] in ("{", "[") and not json_lines.recognises(source) and _json(text)


def _json(text: str) -> bool:
    """Whether the text begins as JSON does: a list of anything, or an object whose first key is quoted."""
    rest = text[1:].lstrip()
    return (
        not rest
        or rest[0] in ('{["' if text[0] == "[" else '"}')
        or (text[0] == "[" and re.match(r"\]|-?[\d.]+(?:[eE]-?\d+)?\s*,", rest) is not None)
    )


def read(source: Source, options: Options, tally: Tally) -> Iterator[Frame]:
    """The rows of the document; ValueError where it holds none or is damaged."""
    document = _document(source)
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


def rows(source: Source, tally: Tally) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of the document as they are."""
    yield from enumerate(_rows(_document(source)), 1)


def _document(source: Source) -> Any:
    with source.open() as stream:
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"{source.name}: a JSON document of more than {MOST_BYTES >> 20} MB; write it as JSON lines or CSV")
    try:
        return json.loads(data.decode(source.encoding))
    except (ValueError, RecursionError) as error:
        place = f"row {error.lineno}" if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        raise ValueError(
            f"{source.name}: damaged JSON ({place}: {getattr(error, 'msg', error)}); is the file still being written?"
        ) from None


def _rows(document: Any, depth: int = 3) -> list[dict[str, Any]]:
    """The longest list of objects in a document, or its columns turned into rows."""
    if isinstance(document, list):
        return _listed(document)
    if not isinstance(document, Mapping):
        return []
    if isinstance(document.get("columns"), list) and isinstance(document.get("data"), list):
        return [dict(zip(document["columns"], row, strict=False)) for row in document["data"] if isinstance(row, list)]
    found = [_columns(document), *(_rows(value, depth - 1) for value in document.values() if depth)]
    return max(found, key=len)


def _listed(items: list[Any]) -> list[dict[str, Any]]:
    if items and all(isinstance(row, list) and len(row) == 3 for row in items):
        return [dict(zip(("wall time", "step", "value"), row, strict=True)) for row in items]
    return [flat(row) for row in items if isinstance(row, Mapping)]


def _columns(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Lists or index-to-value mappings of one length as rows."""
    plain = {k: list(v.values()) if isinstance(v, Mapping) else v for k, v in document.items()}
    lists = {k: v for k, v in plain.items() if isinstance(v, list) and v and not any(isinstance(x, (dict, list)) for x in v)}
    length = max((len(v) for v in lists.values()), default=0)
    named = {k: v for k, v in lists.items() if len(v) == length}
    return [dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=True)] if any(role(k) for k in named) else []


IMPORTERS = (Importer("json", "JSON document", recognises, read),)
