"""The cache of runs between requests: read whole at first and now and then, in between only those that run or have just ended.

1 000 runs of 400 points take about a second to read; the runs in progress, some milliseconds. Each worker of a server has its own cache.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lightning_scaling.report.study import Study
from lightning_scaling.run.record import RunRecord, RunState
from lightning_scaling.store.loading import experiments as listed
from lightning_scaling.store.loading import load, read_external
from lightning_scaling.store.mlflow.external import MetricMapping, Reading
from lightning_scaling.store.runs import Rejected, Runs

FRESH_SECONDS = 2.0
WHOLE_SECONDS = 60.0  # renamed and deleted runs, and points that arrive late, show after this time
_SHARE = 30.0  # … or after thirty times what the reading took, so that it stays within some 3 % of one core
_READING_SECONDS = 3.0  # of histories of other programs' runs, in one request
_MOST_FOREIGN = 5000  # of their curves kept, some 10 kB each
_OVERLAP_MS = 10_000  # clocks of training machines differ


@dataclass
class _Kept:
    runs: dict[str, RunRecord | Rejected] = field(default_factory=dict)
    read: float = 0.0
    whole: float = 0.0
    took: float = 0.0


class RunCache:
    """The runs of one store. Safe for many threads: they wait for each other's reading rather than repeat it.

    Args:
        uri: of the store; None for the default one.
        clock: seconds since 1970.
    """

    def __init__(self, uri: str | None, clock: Callable[[], float] = time.time) -> None:
        self._uri, self._clock = uri, clock
        self._kept: dict[str, _Kept] = {}
        self._experiments: tuple[float, dict[str, str]] = (0.0, {})
        self._lock = threading.Lock()
        self._foreign: dict[tuple[str, MetricMapping], Reading] = {}
        self._naming = threading.Lock()

    def experiments(self) -> dict[str, str]:
        """id → name of every experiment there is."""
        with self._lock:
            now = self._clock()
            if now - self._experiments[0] > FRESH_SECONDS:
                self._experiments = (now, listed(self._uri))
            return self._experiments[1]

    def study(self, ids: Iterable[str]) -> Study:
        """The runs of these experiments, at most two seconds old.

        Raises:
            ValueError: an id that no experiment has.
        """
        known = self.experiments()
        wanted = list(dict.fromkeys(ids))
        if missing := [each for each in wanted if each not in known]:
            raise ValueError(f"no experiment with the id {missing[0]!r} in this store")
        names = [known[each] for each in wanted]
        with self._lock:
            self._refresh(names)
            runs = [run for name in names for run in self._kept[name].runs.values()]
        records, rejected = (tuple(r for r in runs if isinstance(r, kind)) for kind in (RunRecord, Rejected))
        found = Runs(records, rejected).once  # type: ignore[arg-type]
        return Study(found.records, found.rejected)

    def named(self, study: Study, names: MetricMapping | None) -> Study:
        """The study with the runs of other programs that `names` fits; those not read within some seconds come with the next call."""
        if names is None:
            return study
        with self._naming:
            runs = read_external(Runs(study.records, study.rejected), names, self._uri, self._foreign, _READING_SECONDS)
            while len(self._foreign) > _MOST_FOREIGN:
                del self._foreign[next(iter(self._foreign))]
        found = runs.once
        return Study(found.records, found.rejected)

    def _refresh(self, names: list[str]) -> None:
        now = self._clock()
        whole = [name for name in names if self._is_old(self._kept.get(name), now)]
        changing = [name for name in names if name not in whole and now - self._kept[name].read > FRESH_SECONDS]
        whole += self._read_changing(changing, now) if changing else []
        if whole:
            self._read_whole(whole, now)

    def _is_old(self, kept: _Kept | None, now: float) -> bool:
        return kept is None or now - kept.whole > max(WHOLE_SECONDS, _SHARE * kept.took)

    def _read_whole(self, names: list[str], now: float) -> None:
        began = time.perf_counter()
        found = _by_experiment(load(self._uri, names))
        took = time.perf_counter() - began
        for name in names:
            self._kept[name] = _Kept(found.get(name, {}), now, now, took)

    def _read_changing(self, names: list[str], now: float) -> list[str]:
        """Read what may have changed; the experiments where a run in progress is found nowhere: they need the whole reading."""
        since = int(1000 * min(self._kept[name].read for name in names)) - _OVERLAP_MS
        asked = ("attributes.status = 'RUNNING'", f"attributes.end_time >= {since}")
        found = [_by_experiment(load(self._uri, names, each)) for each in asked]
        lost = []
        for name in names:
            new = {**found[0].get(name, {}), **found[1].get(name, {})}
            kept = self._kept[name]
            if any(_in_progress(run) and key not in new for key, run in kept.runs.items()):
                lost.append(name)
            kept.runs.update(new)
            kept.read = now
        return lost


def _in_progress(run: RunRecord | Rejected) -> bool:
    return isinstance(run, RunRecord) and run.state is RunState.RUNNING


def _by_experiment(study: Runs) -> dict[str, dict[str, RunRecord | Rejected]]:
    found: dict[str, dict[str, RunRecord | Rejected]] = {}
    runs: list[RunRecord | Rejected] = [*study.records, *study.rejected]
    for run in runs:
        found.setdefault(run.experiment or "", {})[run.run_id or ""] = run
    return found
