"""Many runs as one thing to look at, filter, fit and draw; in a notebook it shows itself."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lightning_scaling.laws.runs_fit import RunsFit, fit_runs
from lightning_scaling.report import notebook
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.runs import Runs
from lightning_scaling.units import pf_days

if TYPE_CHECKING:
    import pandas

_COLUMNS = ("name", "family", "params", "tokens", "flops", "pf_days", "loss", "state", "planned_tokens", "verdict", "experiment", "run_id")


class Study(Runs):
    """Runs and those that could not be read, with the laws that they follow.

    >>> len(Study())
    0
    """

    def fit(self, **options: Any) -> RunsFit:
        """Every law of the finished runs; `options` go to `laws.fit_runs`, e.g. unfinished=True to count runs that never ended.

        Raises:
            ValueError: runs of different conventions, or none that can be fitted.
        """
        found = fit_runs(self.records, **options)
        if not len(found.runs):
            raise ValueError(f"no finished run with a loss, a number of parameters and FLOPs among {len(self)}{_first(found)}")
        return found

    def table(self) -> "pandas.DataFrame":
        """One row a run: what it is, what it cost, whether it finished."""
        import pandas as pd

        return pd.DataFrame([_row(r) for r in self.records], columns=list(_COLUMNS))

    def plot(self, **options: Any) -> Any:
        """Loss against compute, all runs in one picture (a matplotlib Figure); `options` go to `report.figures.loss_against_compute`."""
        from lightning_scaling.report.figures import loss_against_compute

        return loss_against_compute(self.records, **options)

    def _repr_html_(self) -> str:
        return notebook.page(self.records, [_row(r) for r in self.records], self.rejected)


def load_study(uri: str | None = None, experiments: str | Iterable[str] | None = None, **options: Any) -> Study:
    """The runs of a store as a Study; `options` go to `store.load`.

    Raises:
        ValueError: no such store or experiment.
        StoreUnavailable: the store does not answer (an OSError).
    """
    from lightning_scaling.store import load

    found = load(uri, experiments, **options)
    return Study(found.records, found.rejected)


def _first(found: RunsFit) -> str:
    return "".join(f"; {name}: {why}" for name, why in found.runs.left_out[:1])


def _row(r: RunRecord) -> dict[str, Any]:
    where = {"planned_tokens": r.planned_tokens, "experiment": r.experiment, "run_id": r.run_id}
    verdict = r.predictions[-1].verdict if r.predictions else ""
    cost = {"params": r.curve.params, "tokens": r.tokens, "flops": r.spent, "pf_days": pf_days(r.spent)}
    return {"name": r.name, "family": r.family, **cost, "loss": r.loss, "state": r.state.name, "verdict": verdict, **where}
