"""What the page asks of MLflow beside the records: a filter over parameters, tags and metrics, columns of them, the course of a metric."""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.report.sample import MOST_POINTS
from lightning_scaling.run.record import RunRecord
from lightning_scaling.run.thinning import log_spaced
from lightning_scaling.server.overview import column, rounded
from lightning_scaling.store.address import resolve_uri
from lightning_scaling.store.mlflow.details import History, facts, history, matching

MOST_RUNS = 400  # whose histories are read in one request
_FRESH_SECONDS = 10.0
_READING_SECONDS = 2.0
_MOST_NAMES, _MOST_HISTORIES = 500, 20_000
_CLOCK, _EPOCH = "scaling/tokens", "epoch"

Facts = Mapping[str, Mapping[str, str | float]]


class RunDetails:
    """Facts of some experiments for ten seconds, histories of metrics as long as the run has not gone on. Safe for many threads.

    Args:
        uri: of the store; None for the default one.
        clock: seconds, rising.
    """

    def __init__(self, uri: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._uri, self._clock, self._lock = resolve_uri(uri), clock, threading.Lock()
        self._facts: dict[tuple[str, ...], tuple[float, Facts]] = {}
        self._histories: OrderedDict[tuple[str, str, float], History] = OrderedDict()

    def matching(self, experiments: Sequence[str], filter: str) -> list[str]:
        """Ids of the runs that MLflow's filter language finds. ValueError where it cannot be read."""
        return matching(self._uri, experiments, filter)

    def columns(self, experiments: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
        """{names: [[name, runs that have it], …], values: {name: {run id: value}}}."""
        known = self._known(tuple(sorted(experiments)))
        have = Counter(name for each in known.values() for name in each)
        values = {name: {key: each[name] for key, each in known.items() if name in each} for name in names}
        return {"names": sorted(have.items(), key=lambda each: (-each[1], each[0]))[:_MOST_NAMES], "values": values}

    def facts(self, experiments: Sequence[str]) -> Facts:
        """Every run's parameters, tags and last metrics, at most ten seconds old."""
        return self._known(tuple(sorted(experiments)))

    def courses(self, records: Sequence[RunRecord], metric: str, clock: bool, epoch: bool) -> dict[str, Any]:
        """{runs: {id: columns}, waiting}: `metric` ("": the loss) over tokens x, FLOPs c, steps s, seconds t and epochs e of each run.

        Runs that are not read within two seconds come with the next call.
        """
        end, found, waiting = self._clock() + _READING_SECONDS, {}, 0
        for record in records[:MOST_RUNS]:
            if self._clock() > end:
                waiting += 1
                continue
            found[record.run_id] = self._course(record, metric, clock, epoch)
        return {"runs": found, "waiting": waiting, "left": max(len(records) - MOST_RUNS, 0)}

    def _known(self, experiments: tuple[str, ...]) -> Facts:
        with self._lock:
            read, kept = self._facts.get(experiments, (-_FRESH_SECONDS, {}))
            if self._clock() - read > _FRESH_SECONDS:
                kept = facts(self._uri, experiments)
                self._facts = {experiments: (self._clock(), kept)}
            return kept

    def _course(self, record: RunRecord, metric: str, clock: bool, epoch: bool) -> dict[str, Any]:
        tokens, y = record.curve.tokens, record.curve.loss
        if metric:
            logged = self._history(record, metric)
            tokens, y = tokens_at(record, logged.step), logged.value
        seen = np.flatnonzero(np.isfinite(y) & (tokens > 0))
        kept = seen[log_spaced(tokens[seen], MOST_POINTS)] if len(seen) > MOST_POINTS else seen
        tokens = tokens[kept]
        flops = np.interp(tokens, *_from_zero(record.curve.tokens, record.flops)) if len(record.curve) else tokens * np.nan
        made: dict[str, Any] = {"x": column(tokens), "y": rounded(y[kept]), "c": column(flops), "s": column(_steps(record, tokens))}
        made["t"] = column(self._seconds(record, tokens)) if clock else None
        made["e"] = column(self._epochs(record, tokens)) if epoch else None
        return made

    def _seconds(self, record: RunRecord, tokens: Floats) -> Floats:
        """Wall clock since the run's first point."""
        counted = self._history(record, _CLOCK)
        at, when = counted.value, counted.seconds
        if not len(at):
            logged = self._history(record, record.conventions.loss.partition(" [")[0])
            at, when = tokens_at(record, logged.step), logged.seconds
        return np.interp(tokens, at, when - when[0]) if len(at) else tokens * np.nan

    def _epochs(self, record: RunRecord, tokens: Floats) -> Floats:
        """As they were logged, else passes over the unique tokens."""
        logged = self._history(record, _EPOCH)
        if len(logged.step):
            return np.interp(tokens, tokens_at(record, logged.step), logged.value)
        return tokens / (record.curve.unique_tokens or np.nan)

    def _history(self, record: RunRecord, metric: str) -> History:
        key = (record.run_id or "", metric, record.tokens)
        if key not in self._histories:
            read = history(self._uri, key[0], metric)
            with self._lock:
                self._histories[key] = read
                while len(self._histories) > _MOST_HISTORIES:
                    self._histories.popitem(last=False)
        return self._histories[key]


def tokens_at(record: RunRecord, step: Floats) -> Floats:
    """Tokens seen at logged steps, by the steps of the run's curve; NaN where it has none.

    >>> from lightning_scaling import Curve
    >>> tokens_at(RunRecord("k", Curve([100.0, 200.0], [3.0, 2.0], step=[10.0, 20.0]), np.ones(2)), np.array([5.0, 15.0, 40.0]))
    array([ 50., 150., 400.])
    """
    steps = record.curve.step
    if steps is None or not len(steps) or not steps[-1] > 0:
        return np.full(len(step), np.nan)
    inside = np.interp(step, *_from_zero(steps, record.curve.tokens))
    return np.where(step > steps[-1], step * (record.curve.tokens[-1] / steps[-1]), inside)


def _steps(record: RunRecord, tokens: Floats) -> Floats:
    steps = record.curve.step
    return tokens * np.nan if steps is None or not len(steps) else np.interp(tokens, *_from_zero(record.curve.tokens, steps))


def _from_zero(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    return (x, y) if len(x) and x[0] <= 0 else (np.r_[0.0, x], np.r_[0.0, y])
