"""Any number of experiments in one go, from `search_runs` alone: a run carries its own curve, so there is no call per run."""

import contextlib
import gc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from lightning_scaling.run.finished import with_state
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.address import sqlite_file
from lightning_scaling.store.mlflow.client import answered, connect
from lightning_scaling.store.mlflow.external import MetricMapping, linked, with_external
from lightning_scaling.store.mlflow.record_tags import TAG, from_tags
from lightning_scaling.store.mlflow.sink import HEARTBEAT, KEY
from lightning_scaling.store.mlflow.timeouts import short_timeouts
from lightning_scaling.store.redaction import reason, redacted
from lightning_scaling.store.runs import Rejected, Runs

KIND = "scaling.kind"
UNMAPPED = "logged by another program: say how to read it, e.g. mapping=MetricMapping(loss='val_loss', tokens_per_step=8192)"
YOUNG = "no record yet: the run has not reached its first validation"
PAGE = 1000
_READING_SECONDS = 120


def load_mlflow(
    uri: str,
    experiments: Iterable[str] | None,
    filter: str,
    mapping: MetricMapping | None,
    stale_after: float,
    now: float,
    migrate: bool,
) -> Runs:
    """`load` for a resolved MLflow address."""
    file = sqlite_file(uri)
    if file is not None and not file.exists():
        raise ValueError(f"no store at {file}: nothing was recorded there yet")
    with short_timeouts(_READING_SECONDS), answered(uri), _collecting_later():
        client = connect(uri, migrate)
        found = _experiments(client, uri, experiments)
        runs = _read_all(_runs(client, list(found), filter), found, now, stale_after)
        return (runs if mapping is None else with_external(client, runs, mapping, {}, now, stale_after)).once


@contextlib.contextmanager
def _collecting_later() -> Iterator[None]:
    """No garbage collection while thousands of objects are made that stay: a thousand runs take .25 s so, and .45 s with it."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def experiments_of(uri: str) -> dict[str, str]:
    """id → name of every active experiment of a resolved address, the newest first. StoreUnavailable where it does not answer."""
    with short_timeouts(), answered(uri):
        return _all_experiments(connect(uri))


def _all_experiments(client: Any) -> dict[str, str]:
    return {each.experiment_id: each.name for each in pages(lambda token: client.search_experiments(max_results=PAGE, page_token=token))}


def _experiments(client: Any, uri: str, wanted: Iterable[str] | None) -> dict[str, str]:
    have = _all_experiments(client)
    if wanted is None:
        return have
    wanted = list(wanted)
    if missing := [name for name in wanted if name not in have.values()]:
        known = ", ".join(repr(n) for n in sorted(have.values())[:8])
        raise ValueError(f"no experiment {missing[0]!r} in {redacted(uri)}; it has {known}")
    return {number: name for number, name in have.items() if name in wanted}


def _runs(client: Any, experiments: list[str], filter: str) -> Iterator[Any]:
    if not experiments:
        return iter(())
    return pages(lambda token: client.search_runs(experiments, filter, max_results=PAGE, page_token=token))


def pages(page: Callable[[str | None], Any]) -> Iterator[Any]:
    """Everything that a paged search of MLflow finds; `page` is asked with the token of each."""
    token = None
    while True:
        found = page(token)
        yield from found
        token = found.token
        if not token:
            return


def _read_all(runs: Iterable[Any], experiments: dict[str, str], now: float, stale_after: float) -> Runs:
    """Every run is a record or is rejected with its reason; runs that hold a law are neither."""
    records, rejected = [], []
    for run in runs:
        info, name = run.info, run.info.run_name or ""
        where = experiments.get(info.experiment_id, info.experiment_id)
        if run.data.tags.get(KIND) == "study":
            continue
        try:
            read = _record(run, now, stale_after)
        except ValueError as error:
            rejected.append(Rejected(info.run_id, name, where, reason(error), run if _external(run) else None))
        else:
            records.append(linked(replace(read, name=name or read.name, experiment=where, run_id=info.run_id), run))
    return Runs(tuple(records), tuple(rejected))


def _record(run: Any, now: float, stale_after: float) -> RunRecord:
    tags, info = run.data.tags, run.info
    if _external(run):
        raise ValueError(UNMAPPED)
    if TAG not in tags:
        raise ValueError(YOUNG)
    seen = int(tags.get(HEARTBEAT, info.start_time or 0)) / 1000
    return with_state(from_tags(tags), info.status, seen, now, stale_after)


def _external(run: Any) -> bool:
    return TAG not in run.data.tags and KEY not in run.data.tags
