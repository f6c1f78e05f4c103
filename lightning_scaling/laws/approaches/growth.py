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
    errors: Floats,
    freedom: int,
    flops_per: float = FLOPS_PER_PARAM_AND_TOKEN,
) -> Growth:
    """The line through optima whose ln N* have standard `errors`, known with `freedom` degrees of freedom.

    Two optima lie on a line whatever their errors, and three may by chance: the interval propagates the errors, times the scale factor
    of the Particle Data Group where the optima scatter more than these explain.
    """
    from scipy.special import stdtrit

    slope, intercept, weights = _through(flops, params)
    residuals = np.log(params) - intercept - slope * np.log(flops)
    scatter = float((residuals**2).sum() / max((errors**2).mean() * (len(flops) - 2), 1e-300)) if len(flops) > 2 else 0.0
    error = float(np.sqrt(((weights * errors) ** 2).sum() * max(1.0, scatter)) * stdtrit(freedom, (1 + level) / 2))
    return Growth(flops, params, flops / (flops_per * params), slope, (slope - error, slope + error), level, intercept, flops_per)


def resampled_line(flops: Floats, params: Floats, level: float, slopes: Floats) -> Growth:
    """The line through the optima of 6·N·D, its interval by the `slopes` of resampled ones: NaN where there are none."""
    slope, intercept, _ = _through(flops, params)
    low, high = np.quantile(slopes, [(1 - level) / 2, (1 + level) / 2]) if len(slopes) else (np.nan, np.nan)
    per = FLOPS_PER_PARAM_AND_TOKEN
    return Growth(flops, params, flops / (per * params), slope, (float(low), float(high)), level, intercept, per)


def _through(flops: Floats, params: Floats) -> tuple[float, float, Floats]:
    """Slope and intercept of ln N* over ln C by least squares, and the weight of each optimum in the slope."""
    x, y = np.log(flops), np.log(params)
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    slope = float(weights @ y)
    return slope, float(y.mean() - slope * x.mean()), weights
