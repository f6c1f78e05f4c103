"""What a trained ladder shows: the law of compute, the largest run predicted by the smaller ones, the best split of ten times the compute.

All of it is `laws.fit_runs` over the ladder's runs, so that the demo, its report and the page give one number. The largest is predicted by
`laws.predict_larger`, which averages the laws that explain the smaller runs; its interval is calibrated on published families, where the
interval of a straight line through five points leaves out the line's bending.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.laws.capabilities import AllocationLaw, name_of
from lightning_scaling.laws.frontier import FrontierFit
from lightning_scaling.laws.held_out import HeldOut
from lightning_scaling.laws.runs_fit import RunsFit, fit_runs
from lightning_scaling.laws.surface import CONSTANTS, Optimum
from lightning_scaling.laws.surface_fit import SurfaceFit
from lightning_scaling.report.rows import RunRow, rows
from lightning_scaling.run.record import RunRecord
from lightning_scaling.units import FLOPS_PER_PARAM_AND_TOKEN

LEVEL = 0.9
MORE = 10  # times the compute of the largest model size


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything the demo shows.

    Args:
        sizes: runs at one ratio of tokens to parameters, smallest first; lengths: the runs at other ratios.
        fit: every law of all these runs.
        split: what places the optimum: L(N, D) where it is identified, else the ladder's own ratio, an assumption.
    """

    sizes: tuple[RunRecord, ...]
    lengths: tuple[RunRecord, ...]
    fit: RunsFit
    split: AllocationLaw

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
    def best(self) -> Optimum:
        """N_opt, D_opt and their loss at ten times the compute of the largest model size."""
        return self.split.optimum(MORE * self.sizes[-1].spent)

    @property
    def excess(self) -> dict[str, float]:
        """By how much each run of another length ended above the ladder's own law at the same compute, as a share."""
        return {r.name: r.loss / float(self.frontier.expected(r.spent)[0]) - 1 for r in self.lengths}

    @property
    def bracket(self) -> tuple[float, float] | None:
        """Tokens per parameter between which the best lies: both ends were run and ended above the ladder's law. None: not shown."""
        own, above = self.sizes[-1].tokens / self.sizes[-1].params, self.excess
        ratios = {r.name: r.tokens / r.params for r in self.lengths}
        shorter = [ratio for name, ratio in ratios.items() if ratio < own and above[name] > 0]
        longer = [ratio for name, ratio in ratios.items() if ratio > own and above[name] > 0]
        if not shorter or not longer or min(above.values()) <= 0:
            return None
        return max(shorter), min(longer)

    @property
    def identified(self) -> bool:
        """Whether N_opt and D_opt come from a law that the runs identify."""
        return bool(self.fit.split_identified)


def findings(sizes: Sequence[RunRecord], lengths: Sequence[RunRecord] = (), seed: int = 0) -> Findings:
    """Fit everything to finished runs.

    Raises:
        ValueError: runs counted by different conventions.
    """
    ordered = tuple(sorted(sizes, key=lambda r: r.params))
    fit = fit_runs((*ordered, *lengths), seed=seed, level=LEVEL)
    split = fit if fit.split_identified else AtRatio(fit.frontier, ordered[-1].tokens / ordered[-1].params, fit.flops_per)
    return Findings(ordered, tuple(lengths), fit, split)


@dataclass(frozen=True, eq=False)
class AtRatio:
    """Optimum if the ladder's tokens per parameter are best at any compute (a = b = .5, as Hoffmann et al. 2022 found): assumed."""

    frontier: FrontierFit
    tokens_per_param: float
    flops_per: float = FLOPS_PER_PARAM_AND_TOKEN
    name: str = "the ladder's own ratio (assumed)"

    def optimum(self, flops: float) -> Optimum:
        """N, D at the ratio, and the loss by the law of compute."""
        params = float(np.sqrt(flops / (self.flops_per * self.tokens_per_param)))
        loss, low, high = (float(v) for v in self.frontier.expected(flops))
        return Optimum(flops, params, params * self.tokens_per_param, loss, LEVEL, loss_interval=(low, high))


def as_json(found: Findings) -> dict[str, Any]:
    """The findings as one plain document."""
    law, largest, best = found.frontier, found.largest, found.best
    return {
        "runs": [_row(row) for row in rows((*found.sizes, *found.lengths))],
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
        },
        "ten_times": {
            "flops": best.flops,
            "params": best.params,
            "params_interval": best.params_interval,
            "tokens": best.tokens,
            "tokens_interval": best.tokens_interval,
            "loss": best.loss,
            "loss_interval": best.loss_interval,
            "law": name_of(found.split),
            "identified": found.identified,
        },
        "above_the_law_at_equal_compute": found.excess,
        "best_tokens_per_param_between": found.bracket,
    }


def _interval(largest: HeldOut) -> dict[str, float]:
    return {"low": largest.low, "high": largest.high, "level": largest.level}


def _row(row: RunRow) -> dict[str, Any]:
    forecast = row.forecast
    at_half = None if forecast is None else {"loss": forecast.loss, "low": forecast.low, "high": forecast.high, "error": row.error}
    names = ("name", "params", "tokens", "flops", "pf_days", "tokens_per_param", "loss", "verdict", "because")
    return {name: getattr(row, name) for name in names} | {"forecast_at_half": at_half}
