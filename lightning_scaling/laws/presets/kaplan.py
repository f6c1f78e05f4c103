"""Kaplan et al. 2020: the joint law L(N, D) = [(N_c/N)^(alpha_N/alpha_D) + D_c/D]^alpha_D (eq. 1.5) and the one-variable slices (eqs.
1.1–1.3).

N counts non-embedding weights and the loss has no floor. The slices and the joint law were fitted apart: their constants never mix.
"""
# ruff: noqa: N802, N815 — constants keep the letters of the law

from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.laws.surface.surface import Optimum, as_given
from lightning_scaling.units import FLOPS_PER_PARAM_AND_TOKEN as PER_PARAM_AND_TOKEN
from lightning_scaling.units import FLOPS_PER_PF_DAY


@dataclass(frozen=True)
class KaplanJoint:
    """The joint law of model and data size; broadcasts."""

    alpha_N: Any
    alpha_D: Any
    N_c: Any
    D_c: Any

    def predict(self, params: Any, tokens: Any) -> Any:
        """L at N (non-embedding) params and D tokens, nats a token for the published constants."""
        lacking = (self.N_c / np.asarray(params, dtype=np.float64)) ** (self.alpha_N / self.alpha_D)
        return as_given((lacking + self.D_c / np.asarray(tokens, dtype=np.float64)) ** self.alpha_D)

    @property
    def N_exponent(self) -> Any:
        """a of N* ∝ C^a, from the law alone: alpha_D/(alpha_N + alpha_D). (Their .73 comes from minimal-compute fits instead.)"""
        return self.alpha_D / (self.alpha_N + self.alpha_D)

    def optimum(self, flops: Any) -> Optimum:
        """N and D at C = 6ND in closed form: p·(N_c/N)^p = D_c/D with p = alpha_N/alpha_D."""
        power = self.alpha_N / self.alpha_D
        budget = np.asarray(flops, dtype=np.float64) / PER_PARAM_AND_TOKEN
        params = (power * self.N_c**power * budget / self.D_c) ** (1 / (1 + power))
        return Optimum(as_given(flops), as_given(params), as_given(budget / params), self.predict(params, budget / params))


@dataclass(frozen=True)
class KaplanSlices:
    """Three power laws, each for the case that only one of N, D, C limits. C_c in PF-days."""

    alpha_N: float
    N_c: float
    alpha_D: float
    D_c: float
    alpha_C: float
    C_c: float

    def of_params(self, params: Any) -> Any:
        """Loss with unlimited data."""
        return as_given((self.N_c / np.asarray(params, dtype=np.float64)) ** self.alpha_N)

    def of_tokens(self, tokens: Any) -> Any:
        """Loss with an unlimited model, stopped early."""
        return as_given((self.D_c / np.asarray(tokens, dtype=np.float64)) ** self.alpha_D)

    def of_flops(self, flops: Any) -> Any:
        """Loss of the best use of `flops`."""
        return as_given((self.C_c * FLOPS_PER_PF_DAY / np.asarray(flops, dtype=np.float64)) ** self.alpha_C)
