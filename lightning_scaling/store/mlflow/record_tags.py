"""A packed record as tags of an MLflow run: `scaling.record` has number and checksum of the parts `scaling.record.0`, …

MLflow takes 5 000 characters a tag in every version since 2.0, 8 000 lately; a record takes one or two.
"""

from collections.abc import Mapping

from lightning_scaling.run.record import SCHEMA, RunRecord
from lightning_scaling.store.record_packing import Unreadable, unpack

TAG = "scaling.record"
SCHEMA_TAG = "scaling.schema"
FAMILY_TAG = "scaling.family"
LENGTH = 4900


def to_tags(packed: str, family: str = "") -> dict[str, str]:
    """The tags of a record that `record_packing.pack` wrote."""
    layout, checksum, text = packed.split()
    parts = [text[i : i + LENGTH] for i in range(0, len(text), LENGTH)]
    named = {FAMILY_TAG: family} if family else {}
    numbered = {f"{TAG}.{i}": part for i, part in enumerate(parts)}
    return {SCHEMA_TAG: str(SCHEMA), TAG: f"{layout} {len(parts)} {checksum}", **numbered, **named}


def from_tags(tags: Mapping[str, str]) -> RunRecord:
    """The record in a run's tags. Unreadable (a ValueError) names what is wrong with it."""
    try:
        layout, parts, checksum = tags[TAG].split()
        text = "".join(tags[f"{TAG}.{i}"] for i in range(int(parts)))
    except KeyError as missing:
        raise Unreadable(f"record damaged: no {missing.args[0]}") from None
    except ValueError as error:
        raise Unreadable(f"record damaged: {error}") from error
    return unpack(f"{layout} {checksum} {text}")
