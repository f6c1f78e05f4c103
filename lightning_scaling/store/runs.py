"""Runs as they were read from a store, and those that could not be read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lightning_scaling.run.curve import Curve
from lightning_scaling.run.early_end import early_end
from lightning_scaling.run.finished import is_finished
from lightning_scaling.run.record import RunRecord


@dataclass(frozen=True)
class Rejected:
    """A run that could not be read, with the reason; `run` is MLflow's account of one that another program logged, for `read_external`."""

    run_id: str
    name: str
    experiment: str
    reason: str
    run: Any = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs read from a store, and those that could not be read.

    >>> len(Runs())
    0
    """

    records: tuple[RunRecord, ...] = ()
    rejected: tuple[Rejected, ...] = ()

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[RunRecord]:
        return iter(self.records)

    @property
    def once(self) -> "Runs":
        """Without those that another run continues: a training resumed into a second run of the tracker is one training.

        Runs share a key where one was resumed from the other's checkpoint. Left out is one that did not reach its own end and got no
        further than another, and one that holds the very points of another. Two that both ended are branches of one and stay.
        """
        best: dict[str, list[RunRecord]] = {}
        for record in self.records:
            best.setdefault(record.key, []).append(record)
        continued = {id(old): new for same in best.values() if len(same) > 1 for old in same if (new := _continuation(old, same))}
        if not continued:
            return self
        kept = tuple(record for record in self.records if id(record) not in continued)
        named = tuple(_continued(old, continued[id(old)]) for old in self.records if id(old) in continued)
        return Runs(kept, (*self.rejected, *named))

    @property
    def finished(self) -> "Runs":
        """The runs that reached their end."""
        return Runs(tuple(r for r in self.records if is_finished(r)), self.rejected)

    def select(self, **wanted: Any) -> "Runs":
        """The runs whose fields have these values, e.g. family="gpt", experiment="ladder", state=RunState.RUNNING."""
        kept = (r for r in self.records if all(getattr(r, name) == value for name, value in wanted.items()))
        return Runs(tuple(kept), self.rejected)

    def siblings(self, family: str | None, below: float | None = None) -> list[Curve]:
        """Curves of the family's finished runs, smallest first; `below` keeps those of fewer parameters.

        A run that was ended before its token budget is none: a share of its tokens is not that share of what it was to be trained on.
        """
        runs = [r for r in self.select(family=family).finished if r.curve.params is not None and early_end(r) is None]
        limit = np.inf if below is None else below
        return [r.curve for r in sorted(runs, key=lambda r: r.params) if r.params < limit]


def _continuation(old: RunRecord, same: Sequence[RunRecord]) -> RunRecord | None:
    """Of runs with one key the furthest that holds all that `old` is; of two that are equal the first in the list stays."""
    further = max(same, key=lambda each: (each.tokens, is_finished(each)))
    if further is old:
        return None
    if np.array_equal(old.curve.tokens, further.curve.tokens) and np.array_equal(old.curve.loss, further.curve.loss, equal_nan=True):
        return further
    return None if is_finished(old) else further


def _continued(old: RunRecord, new: RunRecord) -> Rejected:
    return Rejected(old.run_id or "", old.name, old.experiment or "", f"continued as run {new.run_id or new.name}, which is counted")
