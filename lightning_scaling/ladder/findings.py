"""What a trained ladder shows: the law of compute, the largest rung foretold by the smaller ones, the best split of ten times the compute.

Declared beforehand: the largest rung is foretold by `laws.predict_larger` from the final losses of the smaller ones. It averages the
laws that explain them and its interval is calibrated on published families; the interval of a straight line through five points knows
nothing of the line's bending. (On a first try with another batch size the pure power law foretold 3.5 % too little, this 1.9 %.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.laws.frontier import FrontierFit, fit_frontier
from lightning_scaling.laws.outcomes import SurfaceOutcome
from lightning_scaling.laws.surface import Optimum
from lightning_scaling.laws.surface_fit import SurfaceFit
from lightning_scaling.report import reading
from lightning_scaling.report.reading import Aim
from lightning_scaling.report.rows import rows
from lightning_scaling.run.conventions import require_same
from lightning_scaling.run.record import RunRecord

LEVEL = 0.9
RESAMPLES = 1000
MORE = 10  # times the largest rung's compute


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything the demo tells.

    Args:
        rungs: of one ratio of tokens to parameters, smallest first; lengths: the runs of other ratios.
        frontier: the law of compute over all rungs.
        foretold: the largest rung as the smaller ones predict it, and what came.
        surface: L(N, D) over all runs, whatever its outcome.
        split: what places the optimum: the surface where it is identified, else the ladder's own ratio, an assumption.
    """

    rungs: tuple[RunRecord, ...]
    lengths: tuple[RunRecord, ...]
    frontier: FrontierFit
    foretold: Aim
    surface: SurfaceFit
    split: Any

    @property
    def best(self) -> Optimum:
        """N_opt, D_opt and their loss at ten times the compute of the largest rung."""
        best: Optimum = self.split.optimum(MORE * self.rungs[-1].spent)
        return best

    @property
    def excess(self) -> dict[str, float]:
        """By how much each run of another length ended above the ladder's own law at the same compute, as a share."""
        return {r.name: r.loss / float(reading.along(self.frontier, r.spent)) - 1 for r in self.lengths}

    @property
    def bracket(self) -> tuple[float, float] | None:
        """Tokens per parameter between which the best lies: both ends were run and ended above the ladder's law. None: not shown."""
        own, above = self.rungs[-1].tokens / self.rungs[-1].params, self.excess
        ratios = {r.name: r.tokens / r.params for r in self.lengths}
        shorter = [ratio for name, ratio in ratios.items() if ratio < own and above[name] > 0]
        longer = [ratio for name, ratio in ratios.items() if ratio > own and above[name] > 0]
        if not shorter or not longer or min(above.values()) <= 0:
            return None
        return max(shorter), min(longer)

    @property
    def identified(self) -> bool:
        """Whether N_opt and D_opt come from a law that the runs identify."""
        return self.split is self.surface


def study(rungs: Sequence[RunRecord], lengths: Sequence[RunRecord] = (), seed: int = 0) -> Findings:
    """Fit everything to finished runs.

    Raises:
        ValueError: runs counted by different conventions.
    """
    from lightning_scaling.laws import fit_surface

    require_same(r.conventions for r in (*rungs, *lengths))
    ordered = tuple(sorted(rungs, key=lambda r: r.params))
    frontier = fit_frontier(*_ends(ordered), level=LEVEL)
    params, tokens, loss = _columns((*ordered, *lengths))
    surface = fit_surface(params, tokens, loss, resamples=RESAMPLES, seed=seed)
    split = surface if _places(surface) else AtRatio(frontier, ordered[-1].tokens / ordered[-1].params)
    return Findings(ordered, tuple(lengths), frontier, foretell(ordered, seed), surface, split)


def foretell(rungs: Sequence[RunRecord], seed: int = 0) -> Aim:
    """The largest of `rungs` (smallest first) from all others, by the declared law."""
    from lightning_scaling.laws import predict_larger

    *smaller, largest = rungs
    params, tokens, loss = _columns(smaller)
    said = predict_larger(params, tokens, loss, largest.params, largest.tokens, level=LEVEL, seed=seed)
    made = (float(said.loss), float(said.low), float(said.high))
    beyond = largest.spent / smaller[-1].spent
    return Aim(largest.params, largest.tokens, *made, largest.loss, LEVEL, beyond, outcome=str(said.outcome))


@dataclass(frozen=True, eq=False)
class AtRatio:
    """Optimum if the ladder's tokens per parameter are best at any compute (a = b = .5, as Hoffmann et al. 2022 found): assumed."""

    frontier: FrontierFit
    tokens_per_param: float
    name: str = "the ladder's own ratio (assumed)"

    def optimum(self, flops: float) -> Optimum:
        params = float(np.sqrt(flops / (6 * self.tokens_per_param)))
        low, high = reading.band(self.frontier, flops) or (np.nan, np.nan)
        loss = float(reading.along(self.frontier, flops))
        return Optimum(flops, params, params * self.tokens_per_param, loss, LEVEL, loss_interval=(float(low), float(high)))


def as_json(found: Findings) -> dict[str, Any]:
    """The findings as one plain document."""
    law, aim, best = found.frontier, found.foretold, found.best
    return {
        "runs": [_row(row) for row in rows((*found.rungs, *found.lengths))],
        "law_of_compute": {
            "scale": law.scale,
            "exponent": law.exponent,
            "exponent_interval": law.exponent_interval,
            "r_squared": law.r_squared,
            "outcome": law.outcome.name,
        },
        "largest": {"predicted": aim.loss, "low": aim.low, "high": aim.high, "came": aim.came, "error": aim.error, "level": aim.level},
        "surface": {
            **{name: getattr(found.surface, name) for name in ("E", "A", "B", "alpha", "beta")},
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
            "law": found.split.name,
            "identified": found.identified,
        },
        "above_the_law_at_equal_compute": found.excess,
        "best_tokens_per_param_between": found.bracket,
    }


def _row(row: Any) -> dict[str, Any]:
    forecast = row.forecast
    at_half = None if forecast is None else {"loss": forecast.loss, "low": forecast.low, "high": forecast.high, "error": row.error}
    names = ("name", "params", "tokens", "flops", "pf_days", "tokens_per_param", "loss", "verdict", "because")
    return {name: getattr(row, name) for name in names} | {"forecast_at_half": at_half}


def _ends(records: Sequence[RunRecord]) -> tuple[list[float], list[float]]:
    return [r.spent for r in records], [r.loss for r in records]


def _columns(records: Sequence[RunRecord]) -> tuple[list[float], list[float], list[float]]:
    return [float(r.params) for r in records], [r.tokens for r in records], [r.loss for r in records]


def _places(surface: SurfaceFit) -> bool:
    """Whether both exponents are identified; a floor of zero leaves the split of compute as it is."""
    return surface.outcome in (SurfaceOutcome.IDENTIFIED, SurfaceOutcome.FLOOR_AT_ZERO)
