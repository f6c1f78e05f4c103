"""Events as training handed them over, turned into what the spool keeps."""

import json
from typing import Any

from lightning_scaling.run.record import SCHEMA, RunRecord
from lightning_scaling.store import artifacts
from lightning_scaling.store.client import reason
from lightning_scaling.store.compact import plain, to_tags
from lightning_scaling.store.spool import Event

SCHEMA_TAG = "scaling.schema"
FAMILY_TAG = "scaling.family"
RECORD_FILE = "scaling/record.json"


def to_lines(events: list[Event], refused: list[str]) -> list[Event]:
    """Plain JSON events. Of several records only the last is packed (5 ms each): it replaces the others anyway.

    A record that cannot be written as JSON is left out, with the reason in `refused`: it must not hold up what comes after it.
    """
    last = max((i for i, event in enumerate(events) if event["kind"] == "record"), default=None)
    lines: list[Event] = []
    for i, event in enumerate(events):
        if event["kind"] != "record":
            lines.append(event)
        elif i == last or event["whole"]:
            try:
                lines += _record(event)
            except Exception as error:
                refused.append(f"the record cannot be kept: {reason(error)}")
    return lines


def _record(event: dict[str, Any]) -> list[Event]:
    record: RunRecord = event["record"]
    tags = {SCHEMA_TAG: str(SCHEMA), **to_tags(record)}
    if record.family:
        tags[FAMILY_TAG] = record.family
    lines: list[Event] = [{"kind": "tags", "t": event["t"], "values": tags}]
    if event["whole"]:
        lines.append({"t": event["t"], **artifacts.event(RECORD_FILE, json.dumps(record.to_json(), default=plain))})
    return lines
