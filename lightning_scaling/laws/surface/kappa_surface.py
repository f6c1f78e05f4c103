"""The surface with an outer exponent: L(N, D) = E + (A/N^alpha + B/D^beta)^kappa; kappa = 1 is Hoffmann et al. 2022 (eq. 2).

kappa < 1 was fitted to published sweeps with exponents of .4 to .5; the sum inside is minimised at the same N and D whatever kappa is.
"""
# ruff: noqa: N802 — constants keep the letters of the law

from dataclasses import dataclass, replace
from typing import Any

from lightning_scaling.laws.surface.surface import Optimum, Surface
from lightning_scaling.units import FLOPS_PER_PARAM_AND_TOKEN as PER_PARAM_AND_TOKEN


@dataclass(frozen=True)
class KappaSurface:
    """Six constants; broadcasts.

    >>> law = KappaSurface(1.2, 3.5e6, 1.5e6, 0.8, 0.6, 0.5)
    >>> round(law.predict(1e9, 2e10), 3)
    2.3
    """

    E: Any
    A: Any
    B: Any
    alpha: Any
    beta: Any
    kappa: Any = 1.0

    def predict(self, params: Any, tokens: Any) -> Any:
        """L at N params and D tokens."""
        return self.E + self._inner().predict(params, tokens) ** self.kappa

    @property
    def N_exponent(self) -> Any:
        """a of N* ∝ C^a."""
        return self.beta / (self.alpha + self.beta)

    def optimum(self, flops: Any, per_param_and_token: float = PER_PARAM_AND_TOKEN) -> Optimum:
        """N, D and loss that `flops` buy best."""
        best = self._inner().optimum(flops, per_param_and_token)
        return replace(best, loss=self.predict(best.params, best.tokens))

    def _inner(self) -> Surface:
        return Surface(0.0, self.A, self.B, self.alpha, self.beta)
