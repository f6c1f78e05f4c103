"""Fits kept as long as what determines them stays the same: a page that is polled by many asks for each of them once.

A fit is determined by the finished runs: their N, D, L, C and the way they were counted. What else the answer shows (the cost so far, the
budgets of these experiments) is computed for every request, so that it always belongs to the experiments on the page.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from lightning_scaling.laws.runs_fit import RunsFit, fit_or_explain
from lightning_scaling.run.early_end import early_end
from lightning_scaling.run.finished import why_left_out
from lightning_scaling.run.record import RunRecord
from lightning_scaling.server.law import law

_MOST = 16

Key = frozenset[tuple[Any, ...]]


class LawCache:
    """Fits by what determines them. Thread safe; one fit at a time, so that MLflow keeps a core."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, RunsFit] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, records: Sequence[RunRecord], unfinished: bool = False) -> dict[str, Any]:
        """The laws of these runs, ready for JSON; `unfinished` counts the last loss of runs that have not finished too."""
        key = determined_by(records, unfinished)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = fit_or_explain(records, unfinished=unfinished)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
            return law(records, self._kept[key])


def determined_by(records: Sequence[RunRecord], unfinished: bool = False) -> Key:
    """What a fit of these runs depends on: every finished run's identity, N, D, L, C and conventions; of the others, why they are out."""
    return frozenset(_facts(record, unfinished) for record in records)


def _facts(record: RunRecord, unfinished: bool) -> tuple[Any, ...]:
    who, reason = (record.experiment, record.run_id, record.key), why_left_out(record, unfinished)
    if reason:
        return (*who, reason)
    return (*who, record.params, record.tokens, record.loss, record.spent, record.conventions, len(record.curve), repr(early_end(record)))
