"""Runs that other programs logged (Lightning's MLFlowLogger, autolog, a hand-written loop), read by a metric mapping.

MLflow keeps only the last value with a run: a curve costs a history call (5–50 ms). So what was read is kept, and the reading can be spread
over several calls.
"""

import math
import time
from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.numbers import parse_count
from lightning_scaling.run.continued import RESUMED_FROM
from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.finished import LARGEST_LOSS, STALE_SECONDS, with_state
from lightning_scaling.run.record import RunRecord
from lightning_scaling.run.thinning import thin
from lightning_scaling.store.mlflow.client import answered, connect
from lightning_scaling.store.mlflow.stitching import stitched
from lightning_scaling.store.mlflow.timeouts import short_timeouts
from lightning_scaling.store.redaction import reason
from lightning_scaling.store.runs import Runs
from lightning_scaling.units import training_flops

LOST = 0.1  # share of the points that a falling count of tokens may cost
TAG = "scaling.resumed_from"
WAITING = "not read yet: histories are read one by one"
_READING_SECONDS = 120


@dataclass(frozen=True)
class MetricMapping:
    """Which of a run's metrics and parameters mean loss, tokens and N, where this project did not log it.

    Args:
        loss: the metric to follow.
        tokens: a metric that counts training tokens; None to compute them from the step.
        tokens_per_step: tokens of one step (batch size × sequence length × devices × accumulation), where no metric counts them.
        first_step: the number that the run gives its first step: Lightning counts from 0, so that step 0 has seen one batch.
        params: N itself, or the name of the MLflow parameter, tag or metric that holds it, or None.
        planned_tokens: token budget of the run, None where unknown (then MLflow's FINISHED counts as the end).
        unique_tokens: size of the data where it is repeated.
        family: the name under which these runs are compared.

    Raises:
        ValueError: neither `tokens` nor `tokens_per_step`, or both.

    >>> MetricMapping(loss="val_loss", tokens_per_step=8 * 1024).tokens_per_step
    8192
    """

    loss: str = "val_loss"
    tokens: str | None = None
    tokens_per_step: float | None = None
    first_step: int = 0
    params: int | str | None = None
    planned_tokens: int | None = None
    unique_tokens: float | None = None
    family: str | None = None

    def __post_init__(self) -> None:
        if (self.tokens is None) == (self.tokens_per_step is None):
            raise ValueError("say how to count tokens: tokens='name of a metric', or tokens_per_step=a number, and not both")


def read_run(client: Any, run: Any, mapping: MetricMapping) -> tuple[RunRecord, float]:
    """The run as a record, and when it logged its last point (seconds since 1970). ValueError states what is missing.

    Costs one history call per metric, as MLflow keeps only the last value with the run.
    """
    step, loss, last = _history(client, run, mapping.loss)
    tokens = _tokens(client, run, mapping, step)
    keep = tokens > np.maximum.accumulate(np.r_[0.0, tokens])[:-1]  # a count that falls, or begins below zero, costs its own points
    params = _params(run, mapping.params)
    if (~keep).sum() > LOST * len(keep) and mapping.tokens is not None:
        at = f"{step[np.flatnonzero(~keep)[0]]:.0f}"
        raise ValueError(f"{mapping.tokens!r} does not count up at step {at} and later: give tokens_per_step, or a count of the whole run")
    curve = Curve(tokens[keep], loss[keep], step[keep], params=params, unique_tokens=mapping.unique_tokens)
    flops = np.full(len(curve), np.nan) if params is None else training_flops(params, curve.tokens)
    conventions = Conventions(params="given", flops="6N", loss=mapping.loss)
    ended = mapping.planned_tokens is None and run.info.status == "FINISHED"
    where: dict[str, Any] = {"planned_tokens": mapping.planned_tokens, "family": mapping.family, "ended": ended}
    return thin(RunRecord(run.info.run_id, curve, np.asarray(flops, dtype=np.float64), conventions, **where)), last


def _history(client: Any, run: Any, key: str) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """(steps, values, time of the last): rising steps; what a resumed run trained again replaces what it had lost."""
    if key not in run.data.metrics:
        known = ", ".join(sorted(run.data.metrics)[:8]) or "none at all"
        raise ValueError(f"no metric {key!r} (it has {known})")
    history = client.get_metric_history(run.info.run_id, key)
    points = stitched([(m.timestamp, m.step, finite(m.value)) for m in history])
    if len(points) == 1 and len({(m.timestamp, m.value) for m in history}) > 1:
        raise ValueError(f"all {len(history)} points of {key!r} are at step {history[0].step}: log them with step=")
    array = np.asarray(points, dtype=np.float64)
    return array[:, 0], array[:, 1], max(m.timestamp for m in history) / 1000


def finite(value: float) -> float:
    """MLflow stores an infinite value as the largest float; that and its like are no loss."""
    return value if abs(value) < LARGEST_LOSS else math.nan


def _tokens(client: Any, run: Any, mapping: MetricMapping, step: NDArray[np.float64]) -> NDArray[np.float64]:
    if mapping.tokens_per_step is not None:
        return np.asarray((step - mapping.first_step + 1) * mapping.tokens_per_step, dtype=np.float64)
    at, counted, _ = _history(client, run, mapping.tokens or "")
    known = np.isfinite(counted)
    if not known.any():
        raise ValueError(f"{mapping.tokens!r} has no finite value")
    return np.asarray(np.interp(step, at[known], counted[known]), dtype=np.float64)


def _params(run: Any, params: int | str | None) -> int | None:
    if not isinstance(params, str):
        return params
    text = next((held[params] for held in (run.data.params, run.data.tags, run.data.metrics) if params in held), None)
    if text is None:
        raise ValueError(f"no parameter, tag or metric {params!r} that holds the number of weights")
    count = parse_count(str(text))
    if not 0 < count < float("inf"):
        raise ValueError(f"parameter {params!r} is no number: {text!r}")
    return int(count)


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
