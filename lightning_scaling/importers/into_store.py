"""Runs brought into a store: what is new, there already, or grown since; written one by one, so that a repeat writes nothing twice."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lightning_scaling.importers.read import Read
from lightning_scaling.importers.records import record_of, records_of
from lightning_scaling.importers.runs_table import RunsTable
from lightning_scaling.outcome import Outcome
from lightning_scaling.run.record import RunRecord


class Action(Outcome):
    """What is done with one run."""

    NEW = "new"
    GROWN = "there already, with fewer points: brought up to date"
    THERE = "there already"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Item:
    """One run of the preview: the record and how it was read, or the reason why there is none."""

    action: Action
    record: RunRecord | None = None
    read: Read | None = None
    reason: str = ""


def preview(
    found: Iterable[Read | ValueError], there: Sequence[RunRecord], params: int | None = None, family: str | None = None
) -> list[Item]:
    """What importing would do; nothing is written.

    Args:
        there: the runs that the experiment holds.
        params, family: of the runs whose files do not hold them.
    """
    keys = {each.key for each in there}
    items = []
    for each in found:
        if isinstance(each, ValueError):
            items.append(Item(Action.SKIPPED, reason=str(each)))
            continue
        for record in records_of(each, family) if isinstance(each, RunsTable) else [record_of(each, params, family)]:
            item = _item(record, each, keys, there)
            items.append(item)
            keys.add(item.record.key)  # type: ignore[union-attr]
    return items


def _item(record: RunRecord, read: Read, keys: set[str], there: Sequence[RunRecord]) -> Item:
    if record.key in keys:
        return Item(Action.THERE, record, read)
    earlier = next((old for old in there if _continues(old, record)), None)
    return Item(Action.NEW, record, read) if earlier is None else Item(Action.GROWN, replace(record, key=earlier.key), read)


def _continues(old: RunRecord, new: RunRecord) -> bool:
    """Whether `old` is the first part of `new`, read from the same file while it was being written."""
    if not len(old.curve) or old.extra.get("origin") != new.extra["origin"] or old.curve.tokens[-1] >= new.curve.tokens[-1]:
        return False
    shared = np.isin(new.curve.tokens, old.curve.tokens)
    mine, theirs = new.curve.loss[shared], old.curve.loss[np.isin(old.curve.tokens, new.curve.tokens)]
    return len(mine) >= 3 and bool(np.array_equal(mine, theirs, equal_nan=True))


def write(items: Iterable[Item], store: str | None, experiment: str, done: Callable[[Item], None] = lambda item: None) -> list[str]:
    """Write the new and the grown runs; what the store did not take, in words.

    Interrupted, what was written stays, and a repeat writes the rest: a run's key is its content.
    """
    from lightning_scaling.store import open_recorder

    refused = []
    for item in items:
        if item.record is None or item.action not in (Action.NEW, Action.GROWN):
            continue
        record = item.record
        tags = {"scaling.origin": record.extra["origin"], "scaling.imported": record.extra["kind"]}
        recorder = open_recorder(store, record.key, experiment=experiment, run_name=record.name, tags=tags)
        step = record.curve.tokens if record.curve.step is None else record.curve.step
        for at, tokens, loss in zip(step, record.curve.tokens, record.curve.loss, strict=True):
            recorder.metrics({"scaling/tokens": float(tokens), "scaling/val_loss": float(loss)}, int(at))
        recorder.record(record)
        delivery = recorder.close()
        if not delivery.delivered:
            refused.append(str(delivery))
        done(item)
    return refused
