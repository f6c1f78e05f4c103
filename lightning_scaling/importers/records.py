"""What was read as run records (identity by content, FLOPs by 6ND where N is known), and records brought into a store.

They are written one by one: a repeat writes nothing twice, and a log that has grown brings its run up to date.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lightning_scaling.importers.read import Read
from lightning_scaling.importers.reading import Reading
from lightning_scaling.importers.runs_table import TABLE, RunsTable
from lightning_scaling.outcome import Outcome
from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord, RunState
from lightning_scaling.run.thinning import thin
from lightning_scaling.units import training_flops

# A run whose log names its length and ends this far before it was interrupted.
REACHED = 0.98


def record_of(reading: Reading, params: int | None = None, family: str | None = None) -> RunRecord:
    """The run as the store keeps it, thinned to 400 points.

    Where the file counts steps or epochs and nothing gives the tokens of one, the record's conventions hold the unit, so that such a run
    never enters a law beside runs that count tokens.

    Args:
        params: N of the model, where the file does not hold it.
        family: name under which runs are compared.
    """
    curve = reading.curve
    known = params or curve.params
    curve = Curve(curve.tokens, curve.loss, curve.step, curve.schedule, params=known)
    flops = np.full(len(curve), np.nan) if known is None else np.asarray(training_flops(known, curve.tokens), dtype=np.float64)
    unit = None if reading.unit == "tokens" else reading.unit
    conventions = Conventions(params="given", flops="6N", loss=reading.loss, tokenizer=unit)
    planned = planned_tokens(reading)
    ended = planned is None or float(curve.tokens[-1]) >= REACHED * planned
    where: dict[str, Any] = {"planned_tokens": planned, "ended": ended, "family": family, "name": name_of(reading)}
    record = RunRecord(
        key_of(curve, reading.loss), curve, flops, conventions, **where, extra={"origin": reading.name, "kind": reading.kind}
    )
    return thin(record)


def records_of(table: RunsTable, family: str | None = None) -> list[RunRecord]:
    """Each row as a finished run; FLOPs are 6·N·D where the table has none."""
    met = table.params if table.active is None else table.active
    flops = training_flops(met, table.tokens) if table.flops is None else table.flops
    conventions = Conventions(params="given", flops="6N" if table.flops is None else "given", loss=table.columns["loss"])
    found = []
    for i, (params, tokens, loss, spent) in enumerate(zip(table.params, table.tokens, table.loss, np.atleast_1d(flops), strict=True)):
        name = table.run[i] if table.run is not None else f"run {i + 1}"
        key = hashlib.sha256(repr((name, float(params), float(tokens), float(loss))).encode()).hexdigest()[:20]
        curve = Curve(np.array([tokens]), np.array([loss]), params=int(params))
        extra = {"origin": table.name, "kind": TABLE}
        groups = {} if params == met[i] else {"other": int(met[i]), "inactive_experts": int(params) - int(met[i])}
        more = dict(extra=extra, groups=groups, ended=True, state=RunState.FINISHED, name=name, family=family, planned_tokens=int(tokens))
        found.append(RunRecord(f"table-{key}", curve, np.array([float(spent)]), conventions, **more))  # type: ignore[arg-type]
    return found


def planned_tokens(reading: Reading) -> int | None:
    """The length of the run in the curve's unit, as its log or the configuration beside it names it."""
    steps = reading.facts.get("total_steps")
    if steps is None or reading.clock not in ("step", "tokens"):
        return None
    per = reading.facts.get("tokens_per_step") if reading.unit == "tokens" else 1.0
    return None if per is None else int(steps * per)


def key_of(curve: Curve, loss: str) -> str:
    """The identity of a run that brings none: a hash of its points, so that the same run is found again whatever its file is called."""
    content = hashlib.sha256(loss.encode())
    for part in (curve.tokens, curve.loss, *([] if curve.schedule is None else [curve.schedule.step, curve.schedule.lr])):
        content.update(np.ascontiguousarray(part).tobytes())
    return f"import-{content.hexdigest()[:20]}"


def name_of(reading: Reading) -> str:
    """The run's name in its file, else the file's, else that of its folder where the file's is a usual one."""
    if reading.run:
        return reading.run
    path = Path(reading.name)
    usual = path.stem in ("metrics", "trainer_state", "log", "summary", "history", "progress", "main", "train")
    name = path.parent.name if usual and path.parent.name else path.name
    return "".join(c if c.isprintable() else " " for c in name)[:250] or "imported"


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
