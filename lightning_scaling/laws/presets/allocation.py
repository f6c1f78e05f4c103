"""Laws of how to split compute, without the loss it reaches (N* = scale·C^a and D* = scale·C^b), and any such law read backwards."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.laws.capabilities import AllocationLaw, name_of
from lightning_scaling.laws.surface.surface import Optimum
from lightning_scaling.units import FLOPS_PER_PARAM_AND_TOKEN

# FLOPs between which the budget is searched: a model of one parameter to far beyond any computer.
LOWEST, HIGHEST = 1e2, 1e42
HALVINGS = 120


@dataclass(frozen=True)
class Proportion:
    """Exponents that were published without an anchor: they compare growth and place no optimum."""

    N_exponent: float
    D_exponent: float


@dataclass(frozen=True)
class Allocation:
    """Power laws of the optimum over compute, one of them or both with a scale.

    Args:
        params_scale, N_exponent: N* = params_scale · (C / unit)^N_exponent; None: N* = C / (6·D*).
        tokens_scale, D_exponent: D* likewise; None: D* = C / (6·N*).
        unit: FLOPs of one C, e.g. 8.64e19 where C is in PF-days.

    >>> f"{Allocation(None, None, 0.299, 0.537).optimum(3.8e25).tokens:.3g}"
    '1.63e+13'
    """

    params_scale: float | None
    N_exponent: float | None
    tokens_scale: float | None
    D_exponent: float | None
    unit: float = 1.0

    def __post_init__(self) -> None:
        if self.params_scale is None and self.tokens_scale is None:
            raise ValueError("an allocation needs a scale of params or of tokens: without one it is a Proportion")

    def optimum(self, flops: Any) -> Optimum:
        """Params and tokens for `flops`; `loss` is None."""
        compute = np.asarray(flops, dtype=np.float64)
        params, tokens = self._of(self.params_scale, self.N_exponent, compute), self._of(self.tokens_scale, self.D_exponent, compute)
        params = compute / (FLOPS_PER_PARAM_AND_TOKEN * tokens) if params is None else params
        tokens = compute / (FLOPS_PER_PARAM_AND_TOKEN * params) if tokens is None else tokens
        return _optimum(flops, params, tokens)

    def _of(self, scale: float | None, exponent: float | None, compute: Any) -> Any:
        return None if scale is None or exponent is None else scale * (compute / self.unit) ** exponent


@dataclass(frozen=True)
class PerTokenAllocation:
    """The optimum in FLOPs per token M = C/D instead of params (DeepSeek LLM 2024): M* = scale·C^a, D* = scale·C^b.

    `optimum` converts M to params by 6 FLOPs per param and token, so that it compares with other laws. M counts attention over the
    context as well: the params are those of a model whose attention costs nothing, an upper end.

    >>> law = PerTokenAllocation(0.1715, 0.5243, 5.8316, 0.4757)
    >>> f"{law.flops_per_token(1e20):.3g}", f"{law.optimum(1e20).params:.3g}"
    ('5.25e+09', '8.75e+08')
    """

    scale: float
    exponent: float
    tokens_scale: float
    D_exponent: float

    def flops_per_token(self, flops: Any) -> Any:
        """M*: training FLOPs per token of the best model for `flops`."""
        return self.scale * np.asarray(flops, dtype=np.float64) ** self.exponent

    def optimum(self, flops: Any) -> Optimum:
        """Params (M*/6) and tokens for `flops`; `loss` is None."""
        tokens = self.tokens_scale * np.asarray(flops, dtype=np.float64) ** self.D_exponent
        return _optimum(flops, self.flops_per_token(flops) / FLOPS_PER_PARAM_AND_TOKEN, tokens)


def _optimum(flops: Any, params: Any, tokens: Any) -> Optimum:
    if np.ndim(flops) == 0:
        return Optimum(flops, float(params), float(tokens), None)
    return Optimum(flops, params, tokens, None)


def budget_for(law: AllocationLaw, params: float | None = None, tokens: float | None = None) -> float:
    """FLOPs whose best split has `params` parameters, or `tokens` tokens (give one).

    Raises:
        ValueError: both or none given, or the law's optimum never has that size.

    >>> from lightning_scaling.laws.presets.presets import preset
    >>> law = preset("hoffmann2022")
    >>> f"{law.optimum(budget_for(law, params=7e9)).params:.6g}"
    '7e+09'
    """
    if (params is None) == (tokens is None):
        raise ValueError("give params or tokens, one of them")
    wanted = float(params or tokens or 0)

    def short_of(log_flops: float) -> bool:
        best = law.optimum(math.exp(log_flops))
        return float(best.params if params is not None else best.tokens) < wanted

    low, high = math.log(LOWEST), math.log(HIGHEST)
    if not short_of(low) or short_of(high):
        what = "parameters" if params is not None else "tokens"
        raise ValueError(f"{name_of(law)} never has {wanted:.3g} {what} as its optimum between {LOWEST:.0e} and {HIGHEST:.0e} FLOPs")
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if short_of(middle) else (low, middle)
    return math.exp(0.5 * (low + high))
