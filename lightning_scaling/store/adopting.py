"""Runs that others logged, taken into a study by the names that they gave things.

MLflow keeps only the last value with a run: a curve costs a history call (5–50 ms). So what was read is kept, and the reading can be spread
over several calls.
"""

import math
import time
from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from typing import Any

from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.address import resolve_uri
from lightning_scaling.store.client import answered, connect, reason
from lightning_scaling.store.foreign import Names, read_foreign
from lightning_scaling.store.patience import impatient
from lightning_scaling.store.runs import StoredRuns
from lightning_scaling.store.standing import STALE_SECONDS, stand

WAITING = "not read yet: histories are read one by one"
_READING_SECONDS = 120


@dataclass(frozen=True)
class Reading:
    """What came of one run: a record with the time of its last point, or the reason why not; `stamp` tells when it is out of date."""

    stamp: str
    record: RunRecord | None = None
    seen: float = 0.0
    reason: str = ""


Kept = MutableMapping[tuple[str, Names], Reading]


def adopt(study: StoredRuns, names: Names, uri: str | None = None, kept: Kept | None = None, seconds: float = math.inf) -> StoredRuns:
    """The study with the runs among its rejected ones that `names` fits; the others stay rejected, with the reason.

    Args:
        uri: of the store the study was read from.
        kept: where readings are kept between calls; a run is read again once its last values have changed.
        seconds: after which the remaining runs are left for the next call, rejected as `WAITING`.

    Raises:
        StoreUnavailable: the store does not answer (an OSError).
    """
    uri = resolve_uri(uri)
    with impatient(_READING_SECONDS), answered(uri):
        return adopted(connect(uri), study, names, {} if kept is None else kept, time.time(), STALE_SECONDS, seconds)


def adopted(
    client: Any, study: StoredRuns, names: Names, kept: Kept, now: float, stale_after: float, seconds: float = math.inf
) -> StoredRuns:
    """`adopt` with MLflow's client at hand."""
    end = time.monotonic() + seconds
    records, rejected = list(study.records), []
    for each in study.rejected:
        if each.run is None:
            rejected.append(each)
            continue
        read = _read(client, each.run, names, kept, end)
        if read.record is None:
            rejected.append(replace(each, reason=read.reason))
        else:
            standing = stand(read.record, each.run.info.status, read.seen, now, stale_after)
            records.append(replace(standing, name=each.name or standing.name, experiment=each.experiment, run_id=each.run_id))
    return StoredRuns(tuple(records), tuple(rejected))


def _read(client: Any, run: Any, names: Names, kept: Kept, end: float) -> Reading:
    key, stamp = (run.info.run_id, names), _stamp(run, names)
    had = kept.get(key)
    if had is not None and had.stamp == stamp:
        return had
    if time.monotonic() > end:
        return had or Reading(stamp, reason=WAITING)
    try:
        record, seen = read_foreign(client, run, names)
        kept[key] = Reading(stamp, record, seen)
    except ValueError as error:
        kept[key] = Reading(stamp, reason=reason(error))
    return kept[key]


def _stamp(run: Any, names: Names) -> str:
    """The last values of what is read: they change with every point."""
    return repr([run.info.status, *(run.data.metrics.get(name) for name in (names.loss, names.tokens))])
