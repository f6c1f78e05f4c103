"""Approach 2 of Hoffmann et al. 2022 (section 3.2): at each compute budget a parabola of loss over ln N; its bottom is N*.

A parabola describes a curve that is lopsided when alpha ≠ beta, and the grid is seldom centred: its bottom is biased, by 1.7 % to 23 %
with the width of the grid (arXiv 2603.22339). The bias is estimated here by putting the fitted surface, whose optimum is
known exactly, through the same parabolas on the same grid.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.approaches.growth import Growth, line
from lightning_scaling.laws.points import points
from lightning_scaling.laws.surface.fit import fit_surface
from lightning_scaling.laws.surface.surface_fit import SurfaceFit

# Runs belong to one budget when their FLOPs differ by less than this factor.
SAME_BUDGET = 1.25


@dataclass(frozen=True, eq=False)
class IsoFlopCurve:
    """One budget: its runs, the parabola (3 coefficients of loss over ln N, highest power first), its bottom and its estimated bias.

    `bias` is ln(parabola's N* / true N*) on the fitted surface; `leverage` is the variance of ln N* for losses with a relative
    noise of 1; `reason` states why there is no bottom (then `best_params` is NaN).
    """

    flops: float
    params: Floats
    tokens: Floats
    loss: Floats
    parabola: Floats
    best_params: float
    bias: float
    leverage: float = float("nan")
    reason: str = ""

    @property
    def misfit(self) -> float:
        """Sum of the squared relative residuals about the parabola; its degrees of freedom are the runs less three."""
        return float((((self.loss - np.polyval(self.parabola, np.log(self.params))) / self.loss.mean()) ** 2).sum())


@dataclass(frozen=True, eq=False)
class IsoFlops:
    """The IsoFLOP curves, the growth of their minima, and the same with the estimated bias taken off (`unbiased`)."""

    curves: tuple[IsoFlopCurve, ...]
    growth: Growth | None
    unbiased: Growth | None

    @property
    def exponent_bias(self) -> float:
        """How far the parabolas move a of N* ∝ C^a, as estimated on the fitted surface."""
        return self.growth.N_exponent - self.unbiased.N_exponent if self.growth and self.unbiased else float("nan")


def isoflops(
    params: ArrayLike,
    tokens: ArrayLike,
    loss: ArrayLike,
    flops: ArrayLike | None = None,
    level: float = 0.9,
    surface: SurfaceFit | None = None,
) -> IsoFlops:
    """Parabolas over budgets found in the runs' FLOPs (6·N·D unless given), with their estimated bias."""
    given = points(params, tokens, loss)
    compute = given.flops if flops is None else np.asarray(flops, dtype=np.float64)
    law = surface or fit_surface(params, tokens, loss, flops=flops)
    curves = []
    for index in _budgets(compute):
        some = given.take(index)
        curves.append(_curve(float(np.exp(np.log(compute[index]).mean())), some.params, some.tokens, some.loss, law))
    sound = [v for v in curves if not v.reason]
    if len(sound) < 2:
        return IsoFlops(tuple(curves), None, None)
    budgets, best = np.array([v.flops for v in sound]), np.array([v.best_params for v in sound])
    bias, errors = np.array([v.bias for v in sound]), _errors(sound)
    freedom, known = _freedom(sound), np.isfinite(bias)
    grown = line(budgets, best, level, errors, freedom, law.flops_per)
    unbiased = (
        line(budgets[known], (best * np.exp(-bias))[known], level, errors[known], freedom, law.flops_per) if known.sum() >= 2 else None
    )
    return IsoFlops(tuple(curves), grown, unbiased)


def _errors(curves: list[IsoFlopCurve]) -> Floats:
    """Standard errors of ln N* at each bottom, by the noise that all parabolas leave."""
    noise = sum(v.misfit for v in curves) / _freedom(curves)
    return np.sqrt([noise * v.leverage for v in curves])


def _freedom(curves: list[IsoFlopCurve]) -> int:
    """Degrees of freedom of that noise."""
    return sum(len(v.loss) - 3 for v in curves)


def _budgets(compute: Floats) -> list[NDArray[np.intp]]:
    order = np.argsort(compute)
    gaps = np.flatnonzero(np.diff(np.log(compute[order])) > np.log(SAME_BUDGET) / 2) + 1
    groups = [g for g in np.split(order, gaps) if len(g) >= 4 and compute[g].max() / compute[g].min() < SAME_BUDGET]
    return groups


def _curve(budget: float, params: Floats, tokens: Floats, loss: Floats, law: SurfaceFit) -> IsoFlopCurve:
    x = np.log(params)
    parabola, bottom, reason = _parabola(x, loss)
    bias = float("nan")
    if np.isfinite(law.alpha):
        _, modelled, _ = _parabola(x, law.predict(params, tokens))
        bias = modelled - float(np.log(law.surface.optimum(budget, law.flops_per).params))
    leverage = float("nan") if reason else _leverage(x, parabola, float(loss.mean()))
    return IsoFlopCurve(budget, params, tokens, loss, parabola, float(np.exp(bottom)), bias, leverage, reason)


def _leverage(x: Floats, parabola: Floats, mean: float) -> float:
    """Variance of the parabola's bottom for noise of the size of the mean loss, to first order."""
    middle = -parabola[1] / (2 * parabola[0])
    spread = np.linalg.inv(np.vander(x - middle, 3).T @ np.vander(x - middle, 3))
    return float(spread[1, 1] * (mean / (2 * parabola[0])) ** 2)


def _parabola(x: Floats, loss: Floats) -> tuple[Floats, float, str]:
    if (sizes := len(np.unique(x))) < 4:
        return np.full(3, np.nan), float("nan"), f"{sizes} size{'s' * (sizes > 1)} at a budget: a parabola and its misfit need four"
    middle = x.mean()
    a, b, c = np.polyfit(x - middle, loss, 2)
    parabola = np.array([a, b - 2 * a * middle, c - b * middle + a * middle**2])
    if a <= 0:
        return parabola, float("nan"), "the runs show no minimum: all sizes lie on one side of the best one"
    bottom = float(middle - b / (2 * a))
    outside = not x.min() <= bottom <= x.max()
    return parabola, bottom, "the bottom lies outside the sizes trained: add sizes on that side" if outside else ""
