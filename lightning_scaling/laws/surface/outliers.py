"""LawPoints that do not fit are proposed, never dropped: always the law with and without them.

Dropping the 17 "outliers" of the Llama 3 IsoFLOPs moves its optimum at 3.8e25 from 393B to 645B params; Besiroglu et al. 2024 leave out 5
of the 245 points of the Chinchilla figure. Whoever drops points decides the answer, so both answers are given.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_scaling import numbers
from lightning_scaling.arrays import robust_spread
from lightning_scaling.laws.surface.fit import fit_surface
from lightning_scaling.laws.surface.surface_fit import SurfaceFit

# Residuals of real sweeps have heavy tails: at five robust deviations a normal sweep of 240 points proposes none in ten thousand.
FAR = 5.0


@dataclass(frozen=True, eq=False)
class Proposal:
    """Which points to look at, and what hangs on them.

    Args:
        outlier: (n,) True for the points proposed.
        deviations: (n,) residual of each point in robust standard deviations.
        kept, dropped: the fit with all points, and without the proposed ones (the same fit where none is proposed).
        because: one sentence: how many, and what dropping them would change at `flops`.
    """

    outlier: NDArray[np.bool_]
    deviations: NDArray[np.float64]
    kept: SurfaceFit
    dropped: SurfaceFit
    because: str


def propose_outliers(fit: SurfaceFit, flops: float | None = None) -> Proposal:
    """Outliers of a fit by their residuals, and the law with and without them, compared at `flops` (the largest run's by default)."""
    deviations = fit.residuals / max(robust_spread(fit.residuals), 1e-12)
    outlier = np.abs(deviations) > FAR
    if not outlier.any() or (~outlier).sum() < 6:
        return Proposal(outlier, deviations, fit, fit, "no point lies far from the law")
    keep, kept, how = ~outlier, fit.points, fit.procedure
    same = dict(objective=how["objective"], delta=how["delta"], resamples=how["resamples"], seed=how["seed"])
    groups = kept.groups[keep] if how.get("by_run") else None
    dropped = fit_surface(kept.params[keep], kept.tokens[keep], kept.loss[keep], groups=groups, name=f"{fit.name} without outliers", **same)
    return Proposal(outlier, deviations, fit, dropped, _sentence(fit, dropped, int(outlier.sum()), flops or float(kept.flops.max())))


def _sentence(fit: SurfaceFit, dropped: SurfaceFit, count: int, flops: float) -> str:
    before, after = fit.optimum(flops, 0.95), dropped.optimum(flops, 0.95)
    text = f"{count} of {len(fit.points)} points lie{'s' * (count == 1)} far from the law"
    if not (fit.split_determined and dropped.split_determined):
        return text
    text += f"; dropping them moves the best size at {numbers.scientific(flops)} FLOPs "
    text += f"from {numbers.count(before.params)} to {numbers.count(after.params)} params"
    if before.params_interval is None:
        return text
    low, high = before.params_interval
    inside = "inside" if low <= after.params <= high else "outside"
    return f"{text}, {inside} the 95 % interval ({numbers.between(low, high, numbers.count)}) of the fit with all points"
