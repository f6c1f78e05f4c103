"""How the optimum grows: a of N* ∝ C^a by a line through (ln C, ln N*), and b of D* from C = k·N·D on the same points."""
# ruff: noqa: N802 — constants keep the letters of the law

from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.units import FLOPS_PER_PARAM_AND_TOKEN


@dataclass(frozen=True, eq=False)
class Growth:
    """N* = exp(intercept)·C^a with an interval of a at `level`; flops, params, tokens: the (k,) optima the line goes through.

    `flops_per`: FLOPs per param and token of the runs.
    """

    flops: Floats
    params: Floats
    tokens: Floats
    N_exponent: float
    N_exponent_interval: tuple[float, float]
    level: float
    intercept: float
    flops_per: float = FLOPS_PER_PARAM_AND_TOKEN

    @property
    def D_exponent(self) -> float:
        """b of D* ∝ C^b; a + b = 1 where C = k·N·D."""
        return 1.0 - self.N_exponent

    def optimum(self, flops: Any) -> tuple[Any, Any]:
        """(params, tokens) on the line."""
        params = np.exp(self.intercept + self.N_exponent * np.log(flops))
        return params, np.asarray(flops) / (self.flops_per * params)


def line(
    flops: Floats,
    params: Floats,
    level: float,
    spread_of_slope: Floats | None = None,
    flops_per: float = FLOPS_PER_PARAM_AND_TOKEN,
) -> Growth:
    """The line through the optima; `spread_of_slope`: resampled slopes for the interval (else: of the regression)."""
    from scipy.special import stdtrit

    x, y = np.log(flops), np.log(params)
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    freedom = max(len(x) - 2, 1)
    error = float(
        np.sqrt(((y - y.mean() - slope * centred) ** 2).sum() / freedom / (centred @ centred)) * stdtrit(freedom, (1 + level) / 2)
    )
    interval = (slope - error, slope + error)
    if spread_of_slope is not None and len(spread_of_slope) > 1:
        interval = tuple(float(v) for v in np.quantile(spread_of_slope, [(1 - level) / 2, (1 + level) / 2]))  # type: ignore[assignment]
    return Growth(flops, params, flops / (flops_per * params), slope, interval, level, float(y.mean() - slope * x.mean()), flops_per)
