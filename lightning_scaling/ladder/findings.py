"""What a trained ladder shows: the laws, the three approaches, the largest run predicted by the smaller ones, what to train next.

All of it is `laws.fit_runs` over the ladder's runs, so that the demo, its report and the page give one number. The largest is predicted by
`laws.predict_larger`, which averages the laws that explain the smaller runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lightning_scaling.laws.approaches.side_by_side import Approaches
from lightning_scaling.laws.design.next_runs import NextRuns, next_runs
from lightning_scaling.laws.extrapolation.backtests import HeldOut
from lightning_scaling.laws.frontier.frontier import FrontierFit
from lightning_scaling.laws.runs_fit import RunsFit, fit_runs
from lightning_scaling.laws.surface.surface import CONSTANTS, Optimum
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.report.rows import RunRow, rows
from lightning_scaling.run.record import RunRecord
from lightning_scaling.units import pf_days

LEVEL = 0.9
MORE = 10  # times the compute of the largest run


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything the demo shows.

    Args:
        members: runs of the family that is fitted; beside: runs of other families, which are judged alone.
        fit: every law of the members.
    """

    members: tuple[RunRecord, ...]
    beside: tuple[RunRecord, ...]
    fit: RunsFit

    @property
    def frontier(self) -> FrontierFit:
        """The law of compute."""
        return self.fit.frontier

    @property
    def surface(self) -> SurfaceFit:
        """L(N, D), whatever its outcome."""
        return self.fit.surface

    @property
    def largest(self) -> HeldOut:
        """The run of most compute as the smaller ones predict it, and the observed loss."""
        if self.fit.largest is None:
            raise ValueError("a ladder needs at least four runs smaller than its largest to predict it: add model sizes")
        return self.fit.largest

    @property
    def identified(self) -> bool:
        """Whether N_opt and D_opt come from a law that the runs identify."""
        return bool(self.fit.split_identified)

    @property
    def best(self) -> Optimum | None:
        """N_opt, D_opt and their loss at ten times the compute of the largest run; None where the law is not identified."""
        return self.fit.optimum(MORE * self.largest.flops) if self.identified else None

    @property
    def approaches(self) -> Approaches | None:
        """The approaches of Hoffmann et al. 2022 side by side."""
        return self.fit.approaches

    @property
    def proposed(self) -> NextRuns | None:
        """What to train next for the compute of the largest run; None where the law has no constants."""
        return next_runs(self.surface, self.largest.flops) if self.fit.usable else None

    @property
    def paths_flops(self) -> float:
        """FLOPs of all runs, each by its whole path."""
        return sum(record.spent for record in (*self.members, *self.beside))

    @property
    def computed_flops(self) -> float:
        """FLOPs that were computed: what several runs share counts once."""
        return sum(map(computed, (*self.members, *self.beside)))


def computed(record: RunRecord) -> float:
    """FLOPs that were computed for this run alone."""
    shared = float(record.extra.get("shared_tokens") or 0)
    return record.spent * (1 - shared / record.tokens) if record.tokens else 0.0


def findings(records: Sequence[RunRecord], family: str, seed: int = 0) -> Findings:
    """Fit everything to the finished runs of a family.

    Raises:
        ValueError: runs counted by different conventions.
    """
    members = tuple(record for record in records if record.family == family)
    beside = tuple(record for record in records if record.family != family)
    return Findings(members, beside, fit_runs(members, seed=seed, level=LEVEL))


def as_json(found: Findings) -> dict[str, Any]:
    """The findings as one plain document."""
    law, largest, best, proposed = found.frontier, found.largest, found.best, found.proposed
    return {
        "runs": [_row(row) for row in rows((*found.members, *found.beside))],
        "law_of_compute": {
            "scale": law.scale,
            "exponent": law.exponent,
            "exponent_interval": law.exponent_interval,
            "r_squared": law.r_squared,
            "outcome": law.outcome.name,
        },
        "largest": {"predicted": largest.loss, "observed": largest.observed, "error": largest.error, **_interval(largest)},
        "surface": {
            **{name: getattr(found.surface, name) for name in CONSTANTS},
            "outcome": found.surface.outcome.name,
            "because": found.surface.because,
            "noise": found.surface.noise,
        },
        "identified": found.identified,
        "approaches": _approaches(found.approaches),
        "ten_times": None if best is None else _best(best),
        "next_runs": None if proposed is None else proposed.ladder()["runs"],
        "bill": {"paths_flops": found.paths_flops, "flops": found.computed_flops, "pf_days": pf_days(found.computed_flops)},
    }


def _best(best: Optimum) -> dict[str, Any]:
    names = ("flops", "params", "params_interval", "tokens", "tokens_interval", "loss", "loss_interval")
    return {name: getattr(best, name) for name in names}


def _approaches(found: Approaches | None) -> list[dict[str, Any]]:
    each = () if found is None else found.table
    return [{"approach": a.name, "N_exponent": a.N_exponent, "interval": a.interval, "because": a.because} for a in each]


def _interval(largest: HeldOut) -> dict[str, float]:
    return {"low": largest.low, "high": largest.high, "level": largest.level}


def _row(row: RunRow) -> dict[str, Any]:
    forecast = row.forecast
    at_half = None if forecast is None else {"loss": forecast.loss, "low": forecast.low, "high": forecast.high, "error": row.error}
    names = ("name", "params", "tokens", "flops", "pf_days", "tokens_per_param", "loss", "verdict", "because")
    return {name: getattr(row, name) for name in names} | {"family": row.record.family, "forecast_at_half": at_half}
