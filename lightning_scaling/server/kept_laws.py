"""Fits kept for as long as the finished runs stay the same: a page that is polled by many asks for each of them once."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from lightning_scaling.report.rows import finished
from lightning_scaling.run.record import RunRecord

_MOST = 16


class KeptLaws:
    """Answers of `law.law` by the finished runs they stand on. Thread safe; one fit at a time, so that MLflow keeps a core."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, records: Sequence[RunRecord]) -> dict[str, Any]:
        """The laws of these runs, ready for JSON; sentences on the cost are those of the moment the last run finished."""
        from lightning_scaling.report.fits import fits
        from lightning_scaling.server.law import law

        key = hash(frozenset((r.run_id, r.tokens, r.loss) for r in records if finished(r)))
        with self._lock:
            if key not in self._kept:
                self._kept[key] = law(records, fits(records))
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
            return self._kept[key]
