"""With which experiment the page opens: the one whose finished runs give the best law, else the newest that has runs."""

import time
from collections.abc import Iterable

from lightning_scaling.laws.runs_fit import fit_runs
from lightning_scaling.report.study import Study
from lightning_scaling.run.finished import is_finished
from lightning_scaling.run.record import RunRecord
from lightning_scaling.server.run_cache import RunCache

_SECONDS = 1.5  # of reading, the newest first
_MOST = 30  # experiments
_MOST_FITTED = 2000  # runs: a fit of more takes longer than a page may


def start(cache: RunCache) -> str | None:
    """The id of the experiment; None in a store without any."""
    known = cache.experiments()
    end, best, found = time.monotonic() + _SECONDS, (-1, -1, -1), None
    for key in list(known)[:_MOST]:
        rank = law_rank(cache.study([key]))
        if rank > best:
            best, found = rank, key
        if time.monotonic() > end:
            break
    return found


def law_rank(study: Study) -> tuple[int, int, int]:
    """(what its law identifies, sizes, whether it has runs): 3 a split of N and D, 2 a floor of L(C), 1 any law, 0 none."""
    sizes = _sizes(study.records)
    there = int(bool(len(study)) or any(each.run is not None for each in study.rejected))
    if len(sizes) < 3 or len(study) > _MOST_FITTED:
        return (int(len(sizes) >= 3), len(sizes), there) if sizes else (0, 0, there)
    try:
        fit = fit_runs(study.records, resamples=0)
    except ValueError:
        return 0, 0, there
    identified = 3 if fit.split_identified else 2 if fit.frontier.floor_identified else 1 if fit.frontier.usable else 0
    return identified, len(sizes), there


def _sizes(records: Iterable[RunRecord]) -> set[int]:
    return {r.curve.params for r in records if is_finished(r) and r.curve.params}
