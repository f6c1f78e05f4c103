"""Many runs as one thing to look at, filter, fit and draw; in a notebook it shows itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord, RunState
from lightning_scaling.store import notebook
from lightning_scaling.store.runs import Rejected
from lightning_scaling.units import pf_days

if TYPE_CHECKING:
    import pandas

    from lightning_scaling.laws import SurfaceFit


@dataclass(frozen=True, eq=False)
class Study:
    """Runs read from a store, and those that could not be read.

    >>> len(Study())
    0
    """

    records: tuple[RunRecord, ...] = ()
    rejected: tuple[Rejected, ...] = ()

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[RunRecord]:
        return iter(self.records)

    @property
    def finished(self) -> "Study":
        """The runs that reached their end."""
        return self.select(state=RunState.FINISHED)

    def select(self, **wanted: Any) -> "Study":
        """The runs whose fields have these values, e.g. family="gpt", experiment="ladder", state=RunState.RUNNING."""
        kept = (r for r in self.records if all(getattr(r, name) == value for name, value in wanted.items()))
        return Study(tuple(kept), self.rejected)

    def fit(self, **options: Any) -> "SurfaceFit":
        """L(N, D) with intervals over the last points of the finished runs; `options` go to `laws.fit_records`.

        Raises:
            ValueError: runs of different conventions, or none that can be fitted.
        """
        from lightning_scaling.laws import fit_records

        if not any(np.isfinite(r.loss) and r.curve.params is not None for r in self.finished):
            raise ValueError(f"no finished run with a finite loss and a number of parameters among {len(self)}")
        return fit_records(self.records, **options)

    def siblings(self, family: str | None, below: float | None = None) -> list[Curve]:
        """Curves of the family's finished runs, smallest first; `below` keeps those of fewer parameters."""
        runs = [r for r in self.select(family=family).finished if r.curve.params is not None]
        limit = np.inf if below is None else below
        return [r.curve for r in sorted(runs, key=lambda r: r.params) if r.params < limit]

    def table(self) -> "pandas.DataFrame":
        """One row a run: what it is, what it cost, where it stands."""
        import pandas as pd

        return pd.DataFrame([_row(r) for r in self.records], columns=list(_COLUMNS))

    def plot(self, **options: Any) -> Any:
        """Loss against compute, all runs in one picture (a matplotlib Figure); `options` go to `report.figures.loss_against_compute`."""
        from lightning_scaling.report.figures import loss_against_compute

        return loss_against_compute(self.records, **options)

    def _repr_html_(self) -> str:
        return notebook.page(self.records, [_row(r) for r in self.records], self.rejected)


_COLUMNS = ("name", "family", "params", "tokens", "flops", "pf_days", "loss", "state", "planned_tokens", "verdict", "experiment", "run_id")


def _row(r: RunRecord) -> dict[str, Any]:
    where = {"planned_tokens": r.planned_tokens, "experiment": r.experiment, "run_id": r.run_id}
    verdict = r.predictions[-1].verdict if r.predictions else ""
    cost = {"params": r.curve.params, "tokens": r.tokens, "flops": r.spent, "pf_days": pf_days(r.spent)}
    return {"name": r.name, "family": r.family, **cost, "loss": r.loss, "state": r.state.name, "verdict": verdict, **where}
