"""Any number of experiments into one StoredRuns, from `search_runs` alone: a run carries its own curve, so there is no call per run."""

import contextlib
import gc
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.address import resolve_uri, shown, sqlite_file
from lightning_scaling.store.adopting import adopted
from lightning_scaling.store.client import answered, connect, reason
from lightning_scaling.store.compact import TAG, from_tags
from lightning_scaling.store.foreign import Names
from lightning_scaling.store.patience import impatient
from lightning_scaling.store.runs import Rejected, StoredRuns
from lightning_scaling.store.sink import HEARTBEAT, KEY
from lightning_scaling.store.standing import STALE_SECONDS, stand

KIND = "scaling.kind"
UNNAMED = "logged by another program: say how to read it, e.g. names=Names(loss='val_loss', tokens_per_step=8192)"
_PAGE = 1000
_READING_SECONDS = 120


def load(
    uri: str | None = None,
    experiments: str | Iterable[str] | None = None,
    filter: str = "",
    *,
    names: Names | None = None,
    stale_after: float = STALE_SECONDS,
    now: float | None = None,
) -> StoredRuns:
    """Read runs from a store.

    Args:
        uri: MLflow tracking URI; None for MLFLOW_TRACKING_URI, else `sqlite:///mlflow.db` in the current folder.
        experiments: names, or None for all.
        filter: MLflow's filter language, e.g. "tags.`scaling.family` = 'gpt'".
        names: how to read runs logged by others; None lists them as rejected.
        stale_after: seconds of silence after which an unfinished run counts as cut off.
        now: seconds since 1970, None for the clock.

    Raises:
        ValueError: no such database or experiment.
        StoreUnavailable: the store does not answer (an OSError).
    """
    uri = resolve_uri(uri)
    file = sqlite_file(uri)
    if file is not None and not file.exists():
        raise ValueError(f"no store at {file}: nothing was recorded there yet")
    now = time.time() if now is None else now
    with impatient(_READING_SECONDS), answered(uri), _collecting_later():
        client = connect(uri)
        found = _experiments(client, uri, [experiments] if isinstance(experiments, str) else experiments)
        runs = _runs(client, list(found), filter)
        study = _study(runs, found, now, stale_after)
        return study if names is None else adopted(client, study, names, {}, now, stale_after)


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


def _experiments(client: Any, uri: str, wanted: Iterable[str] | None) -> dict[str, str]:
    """id → name."""
    have = {e.experiment_id: e.name for e in _pages(lambda token: client.search_experiments(max_results=_PAGE, page_token=token))}
    if wanted is None:
        return have
    wanted = list(wanted)
    if missing := [name for name in wanted if name not in have.values()]:
        known = ", ".join(repr(n) for n in sorted(have.values())[:8])
        raise ValueError(f"no experiment {missing[0]!r} in {shown(uri)}; it has {known}")
    return {number: name for number, name in have.items() if name in wanted}


def _runs(client: Any, experiments: list[str], filter: str) -> Iterator[Any]:
    if not experiments:
        return iter(())
    return _pages(lambda token: client.search_runs(experiments, filter, max_results=_PAGE, page_token=token))


def _pages(page: Callable[[str | None], Any]) -> Iterator[Any]:
    token = None
    while True:
        found = page(token)
        yield from found
        token = found.token
        if not token:
            return


def _study(runs: Iterable[Any], experiments: dict[str, str], now: float, stale_after: float) -> StoredRuns:
    """Every run is a record or is rejected with its reason; runs that hold a study are neither."""
    records, rejected = [], []
    for run in runs:
        info, name = run.info, run.info.run_name or ""
        where = experiments.get(info.experiment_id, info.experiment_id)
        if run.data.tags.get(KIND) == "study":
            continue
        try:
            read = _record(run, now, stale_after)
        except ValueError as error:
            rejected.append(Rejected(info.run_id, name, where, reason(error), run if _foreign(run) else None))
        else:
            records.append(replace(read, name=name or read.name, experiment=where, run_id=info.run_id))
    return StoredRuns(tuple(records), tuple(rejected))


def _record(run: Any, now: float, stale_after: float) -> RunRecord:
    tags, info = run.data.tags, run.info
    if _foreign(run):
        raise ValueError(UNNAMED)
    if TAG not in tags:
        raise ValueError("no record yet: the run has not reached its first validation")
    seen = int(tags.get(HEARTBEAT, info.start_time or 0)) / 1000
    return stand(from_tags(tags), info.status, seen, now, stale_after)


def _foreign(run: Any) -> bool:
    return TAG not in run.data.tags and KEY not in run.data.tags
