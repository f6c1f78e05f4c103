"""The result of a surface fit: the constants, how sure they are, what was fitted and how."""
# ruff: noqa: N802 — constants keep the letters of the law

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.laws.outcomes import Answer, SurfaceOutcome, answer
from lightning_scaling.laws.points import LawPoints
from lightning_scaling.laws.surface.identify import undetermined
from lightning_scaling.laws.surface.surface import CONSTANTS, Optimum, Surface
from lightning_scaling.printed import as_html


@dataclass(frozen=True, eq=False)
class SurfaceFit:
    """A fitted L(N, D).

    Args:
        surface: the five constants.
        objective: the minimum reached, in the unit of `procedure["objective"]` (for Huber: summed over points).
        outcome: whether the constants are identified; its text states what would change it.
        because: the numbers behind the outcome.
        points: what was fitted.
        noise: robust relative standard deviation of one point about the law.
        agreement: (k, m): k of m starts from the data ended in this minimum.
        resamples: the constants of each bootstrap resample (arrays), None without.
        procedure: everything needed to repeat the fit.
        flops_per: FLOPs per param and token, 6 unless the runs brought their own.
    """

    surface: Surface
    objective: float
    outcome: SurfaceOutcome
    because: str
    points: LawPoints
    noise: float
    agreement: tuple[int, int]
    resamples: Surface | None = None
    procedure: dict[str, Any] = field(default_factory=dict)
    name: str = "this fit"
    flops_per: float = 6.0

    @property
    def E(self) -> float:
        """Irreducible loss."""
        return float(self.surface.E)

    @property
    def A(self) -> float:
        """Scale of the term of N."""
        return float(self.surface.A)

    @property
    def B(self) -> float:
        """Scale of the term of D."""
        return float(self.surface.B)

    @property
    def alpha(self) -> float:
        """Exponent of N."""
        return float(self.surface.alpha)

    @property
    def beta(self) -> float:
        """Exponent of D."""
        return float(self.surface.beta)

    def predict(self, params: Any, tokens: Any) -> Any:
        """Loss at N params and D tokens; scalars or arrays."""
        return self.surface.predict(params, tokens)

    @property
    def usable(self) -> Answer:
        """Whether the fit has constants at all."""
        return answer(bool(np.isfinite(self.alpha)), self.outcome)

    @property
    def identified(self) -> Answer:
        """Whether the runs identify every constant."""
        return answer(self.outcome is SurfaceOutcome.IDENTIFIED, self.outcome)

    @property
    def split_identified(self) -> Answer:
        """Whether the runs tell the term of N from that of D, so that the optimum means something; a floor of zero leaves it so."""
        return answer(self.outcome in (SurfaceOutcome.IDENTIFIED, SurfaceOutcome.FLOOR_AT_ZERO), self.outcome)

    @cached_property
    def undetermined(self) -> frozenset[str]:
        """Constants that these runs leave open whatever their noise, such as A and alpha of runs of one size; they have no interval."""
        return undetermined(self.points, self.surface)

    @property
    def split_determined(self) -> bool:
        """Whether the runs hold the optimum of a budget anywhere at all; an optimum that they hold may still be a wide guess."""
        return not self.undetermined & {"A", "B", "alpha", "beta"}

    @property
    def resampled(self) -> Answer:
        """Whether there are resamples to take intervals from."""
        return answer(self.resamples is not None, "fit with resamples=1000 or more")

    @property
    def residuals(self) -> NDArray[np.float64]:
        """(n,) ln observed − ln fitted loss, in the order of `points`."""
        return np.asarray(np.log(self.points.loss) - np.log(self.predict(self.points.params, self.points.tokens)))

    def interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Bootstrap interval of a constant, or of "N_exponent", "D_exponent"; (nan, nan) where it is undetermined."""
        if name not in (*CONSTANTS, "N_exponent", "D_exponent"):
            raise ValueError(f"no interval for {name!r}; there is one for {', '.join(CONSTANTS)}, N_exponent and D_exponent")
        low, high = self.interval_of(lambda surface: getattr(surface, name), level)
        open_ = self.undetermined & ({name} if name in CONSTANTS else {"alpha", "beta"})
        return (float("nan"), float("nan")) if open_ else (float(low), float(high))

    def standard_error(self, name: str) -> float:
        """Bootstrap standard deviation of a constant, or of "N_exponent", "D_exponent"."""
        return float(np.std(getattr(self._resamples(), name), ddof=1))

    def interval_of(self, quantity: Callable[[Surface], Any], level: float = 0.95) -> tuple[Any, Any]:
        """(low, high) of any positive quantity of the law; it is called with a Surface of scalars, and of (R, 1) columns."""
        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, got {level}")
        many = np.asarray(quantity(self._columns()))
        centre = np.atleast_1d(quantity(self.surface))
        low, high = _widened(many.reshape(len(many), -1), centre, level, self.spread_factor)
        return (float(low[0]), float(high[0])) if len(low) == 1 else (low, high)

    @property
    def spread_factor(self) -> float:
        """√(runs / (runs − 5)) − .1 within 1 to 1.1: how much more than its resamples a five-constant fit spreads.

        The Huber loss of 1e-3 spreads resamples of a few dozen runs more than theory expects, so only the smallest sweeps need it (1000
        simulated sweeps, benchmarks/laws_worlds.py).
        """
        runs = int(self.points.groups.max()) + 1
        return float(np.clip(np.sqrt(runs / max(runs - 5, 1)) - 0.1, 1.0, 1.1))

    def optimum(self, flops: Any, level: float = 0.9) -> Optimum:
        """Compute-optimal params, tokens and loss at `flops`, with intervals if the fit was resampled and the runs determine the split."""
        best = self.surface.optimum(flops, self.flops_per)
        if self.resamples is None:
            return best
        if not self.split_determined:
            nothing = (best.params * np.nan, best.params * np.nan)
            return replace(best, level=level, params_interval=nothing, tokens_interval=nothing, loss_interval=nothing)
        bounds = [self.interval_of(self._at_optimum(flops, name), level) for name in ("params", "tokens", "loss")]
        return replace(best, level=level, params_interval=bounds[0], tokens_interval=bounds[1], loss_interval=bounds[2])

    def _at_optimum(self, flops: Any, name: str) -> Callable[[Surface], Any]:
        return lambda surface: getattr(surface.optimum(flops, self.flops_per), name)

    def band(self, params: Any, tokens: Any, level: float = 0.9) -> tuple[Any, Any]:
        """(low, high) of the fitted loss at N and D: sampling error of the law alone, not of a new run."""
        return self.interval_of(lambda s: s.predict(params, tokens), level)

    def __str__(self) -> str:
        from lightning_scaling.laws.printed import surface_text

        return surface_text(self)

    def _repr_html_(self) -> str:
        return as_html(str(self))

    def _resamples(self) -> Surface:
        if self.outcome is SurfaceOutcome.TOO_FEW_POINTS:
            raise ValueError(f"there is no interval: {self.outcome} ({self.because})")
        if self.resamples is None:
            raise ValueError("intervals come from resamples: fit with resamples=1000 or more")
        return self.resamples

    def _columns(self) -> Surface:
        return Surface(*(np.asarray(getattr(self._resamples(), k))[:, None] for k in CONSTANTS))


def _widened(many: NDArray[np.float64], centre: NDArray[np.float64], level: float, factor: float) -> tuple[Any, Any]:
    # In logs, where the constants' distributions are nearly symmetric: percentiles, moved away from the fit by `factor`.
    tails = np.quantile(np.log(np.maximum(many, 1e-300)), [(1 - level) / 2, (1 + level) / 2], axis=0)
    middle = np.log(centre)
    low, high = np.minimum(tails[0], middle), np.maximum(tails[1], middle)
    return np.exp(middle + factor * (low - middle)), np.exp(middle + factor * (high - middle))
