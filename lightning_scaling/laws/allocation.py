"""Laws that say how to split compute but not what loss comes of it: N* = scale·C^a (and D* likewise, or D* = C / (6N*))."""

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from lightning_scaling.laws.surface import Optimum
from lightning_scaling.units import FLOPS_PER_PARAM_AND_TOKEN as PER_PARAM_AND_TOKEN


@dataclass(frozen=True)
class Allocation:
    """Power laws of the optimum over compute.

    Args:
        params_scale, N_exponent: N* = params_scale · (C / unit)^N_exponent; scale None: N* = C / (6·D*).
        tokens_scale, D_exponent: D* likewise; scale None: D* = C / (6·N*). Both None: a proportion without an anchor.
        unit: FLOPs of one C, e.g. 8.64e19 where C is in PF-days.
        per_param: FLOPs are N·D times this: 6 for params, 1 where N is given as FLOPs per token (DeepSeek's M).

    >>> f"{Allocation(None, None, 0.299, 0.537).optimum(3.8e25).tokens:.3g}"
    '1.63e+13'
    """

    params_scale: float | None
    N_exponent: float | None
    tokens_scale: float | None
    D_exponent: float | None
    unit: float = 1.0
    per_param: float = PER_PARAM_AND_TOKEN

    def optimum(self, flops: Any) -> Optimum:
        """Params and tokens for `flops`; `loss` is None. ValueError where only the proportion was published."""
        compute = np.asarray(flops, dtype=np.float64)
        params, tokens = self._of(self.params_scale, self.N_exponent, compute), self._of(self.tokens_scale, self.D_exponent, compute)
        if params is None and tokens is None:
            raise ValueError(f"published as a proportion (N* ∝ C^{self.N_exponent}) without an anchor: it places no optimum")
        if params is None:
            params = compute / (self.per_param * tokens)
        if tokens is None:
            tokens = compute / (self.per_param * params)
        if np.ndim(flops) == 0:
            params, tokens = float(params), float(tokens)
        return Optimum(flops, params, tokens, None)

    def predict(self, params: Any, tokens: Any) -> NoReturn:
        """Raises ValueError: an allocation knows no loss."""
        raise ValueError("this law says how large and how long to train, not what loss comes of it")

    def _of(self, scale: float | None, exponent: float | None, compute: Any) -> Any:
        return None if scale is None or exponent is None else scale * (compute / self.unit) ** exponent
