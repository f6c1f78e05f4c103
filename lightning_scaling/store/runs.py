"""Runs as they were read from a store, and those that could not be read."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lightning_scaling.run.continued import joined, once
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.early_end import early_end
from lightning_scaling.run.finished import is_finished
from lightning_scaling.run.record import RunRecord

if TYPE_CHECKING:
    from typing_extensions import Self


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
    def once(self) -> "Self":
        """Without those that another run continues: a training resumed into a second run of the tracker is one training.

        Runs share a key where one was resumed from the other's checkpoint; a tag `scaling.resumed_from` links runs of other programs, whose
        curves are joined. Left out is one that did not reach its own end and got no further than another, and one whose points are in
        another. Two that both ended with points of their own are branches of one and stay.
        """
        kept, continued = once(joined(self.records))
        if not continued:
            return replace(self, records=tuple(kept))
        return replace(self, records=tuple(kept), rejected=(*self.rejected, *(_continued(old, new) for old, new in continued)))

    @property
    def finished(self) -> "Self":
        """The runs that reached their end."""
        return replace(self, records=tuple(r for r in self.records if is_finished(r)))

    def select(self, **wanted: Any) -> "Self":
        """The runs whose fields have these values, e.g. family="gpt", experiment="ladder", state=RunState.RUNNING."""
        kept = (r for r in self.records if all(getattr(r, name) == value for name, value in wanted.items()))
        return replace(self, records=tuple(kept))

    def siblings(self, family: str | None, below: float | None = None) -> list[Curve]:
        """Curves of the family's finished runs, smallest first; `below` keeps those of fewer parameters.

        A run that was ended before its token budget is none: a share of its tokens is not that share of what it was to be trained on.
        """
        runs = [r for r in self.select(family=family).finished if r.curve.params is not None and early_end(r) is None]
        limit = np.inf if below is None else below
        return [r.curve for r in sorted(runs, key=lambda r: (r.params, r.key)) if r.params < limit]


def _continued(old: RunRecord, new: RunRecord) -> Rejected:
    return Rejected(old.run_id or "", old.name, old.experiment or "", f"continued as run {new.run_id or new.name}, which is counted")
