"""Runs that other programs logged, taken in by a metric mapping.

MLflow keeps only the last value with a run: a curve costs a history call (5–50 ms). So what was read is kept, and the reading can be spread
over several calls.
"""

import math
import time
from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from typing import Any

from lightning_scaling.run.continued import RESUMED_FROM
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.mlflow.client import answered, connect
from lightning_scaling.store.mlflow.external import MetricMapping, read_run
from lightning_scaling.store.mlflow.timeouts import short_timeouts
from lightning_scaling.store.redaction import reason
from lightning_scaling.store.run_state import STALE_SECONDS, with_state
from lightning_scaling.store.runs import Runs

TAG = "scaling.resumed_from"
WAITING = "not read yet: histories are read one by one"
_READING_SECONDS = 120


@dataclass(frozen=True)
class Reading:
    """One run: a record with the time of its last point, or the reason why not; `stamp` shows when it is out of date."""

    stamp: str
    record: RunRecord | None = None
    seen: float = 0.0
    reason: str = ""


Kept = MutableMapping[tuple[str, MetricMapping], Reading]


def read_external_of(uri: str, runs: Runs, mapping: MetricMapping, kept: Kept | None, seconds: float) -> Runs:
    """`read_external` for a resolved address."""
    with short_timeouts(_READING_SECONDS), answered(uri):
        return with_external(connect(uri), runs, mapping, {} if kept is None else kept, time.time(), STALE_SECONDS, seconds)


def with_external(
    client: Any, runs: Runs, mapping: MetricMapping, kept: Kept, now: float, stale_after: float, seconds: float = math.inf
) -> Runs:
    """`read_external` with MLflow's client at hand."""
    end = time.monotonic() + seconds
    records, rejected = list(runs.records), []
    for each in runs.rejected:
        if each.run is None:
            rejected.append(each)
            continue
        read = _read(client, each.run, mapping, kept, end)
        if read.record is None:
            rejected.append(replace(each, reason=read.reason))
        else:
            record = with_state(read.record, each.run.info.status, read.seen, now, stale_after)
            named = replace(record, name=each.name or record.name, experiment=each.experiment, run_id=each.run_id)
            records.append(linked(named, each.run))
    return Runs(tuple(records), tuple(rejected))


def linked(record: RunRecord, run: Any) -> RunRecord:
    """The record with the id of the run that it continues, where a tag names it."""
    earlier = run.data.tags.get(TAG)
    return replace(record, extra={**record.extra, RESUMED_FROM: earlier}) if earlier else record


def _read(client: Any, run: Any, mapping: MetricMapping, kept: Kept, end: float) -> Reading:
    key, stamp = (run.info.run_id, mapping), _stamp(run, mapping)
    had = kept.get(key)
    if had is not None and had.stamp == stamp:
        return had
    if time.monotonic() > end:
        return had or Reading(stamp, reason=WAITING)
    try:
        record, seen = read_run(client, run, mapping)
        kept[key] = Reading(stamp, record, seen)
    except ValueError as error:
        kept[key] = Reading(stamp, reason=reason(error))
    return kept[key]


def _stamp(run: Any, mapping: MetricMapping) -> str:
    """The last values of what is read: they change with every point."""
    return repr([run.info.status, *(run.data.metrics.get(name) for name in (mapping.loss, mapping.tokens))])
