"""The surface L(N, D) = E + A/N^alpha + B/D^beta (Hoffmann et al. 2022, eq. 2) and what follows from it in closed form.

Minimised under C = k·N·D (k = 6): N* = G·(C/k)^a, D* = (C/k)^b / G with a = beta/(alpha + beta), b = 1 − a and
G = (alpha·A / (beta·B))^(1/(alpha + beta)) (eq. 4).

With an outer exponent the law is E + (A/N^alpha + B/D^beta)^kappa; kappa < 1 was fitted to published sweeps with exponents of .4 to .5, and
the sum inside is minimised at the same N and D whatever kappa is.
"""
# ruff: noqa: N802 — constants keep the letters of the law

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lightning_scaling.units import FLOPS_PER_PARAM_AND_TOKEN as PER_PARAM_AND_TOKEN

FARTHEST = 300.0
CONSTANTS = ("E", "A", "B", "alpha", "beta")


@dataclass(frozen=True)
class Optimum:
    """The best use of `flops`: params N, tokens D and the loss they reach; intervals where the law has them.

    The intervals are (low, high) at `level`, None for a published law without its points.
    """

    flops: Any
    params: Any
    tokens: Any
    loss: Any
    level: float | None = None
    params_interval: tuple[Any, Any] | None = None
    tokens_interval: tuple[Any, Any] | None = None
    loss_interval: tuple[Any, Any] | None = None

    @property
    def tokens_per_param(self) -> Any:
        """D/N at the optimum."""
        return self.tokens / self.params


@dataclass(frozen=True)
class Surface:
    """Five constants of L(N, D); each may be an array (resamples), and everything broadcasts.

    >>> round(Surface(1.69, 406.4, 410.7, 0.34, 0.28).predict(10e9, 200e9), 3)
    2.133
    """

    E: Any
    A: Any
    B: Any
    alpha: Any
    beta: Any

    def predict(self, params: Any, tokens: Any) -> Any:
        """L at N params and D tokens, in the unit of the loss it was fitted to."""
        return as_given(self.E + self.A * _power(params, -self.alpha) + self.B * _power(tokens, -self.beta))

    @property
    def N_exponent(self) -> Any:
        """a of N* ∝ C^a."""
        return self.beta / (self.alpha + self.beta)

    @property
    def D_exponent(self) -> Any:
        """b of D* ∝ C^b; a + b = 1."""
        return self.alpha / (self.alpha + self.beta)

    def optimum(self, flops: Any, per_param_and_token: float = PER_PARAM_AND_TOKEN) -> Optimum:
        """N, D and loss that `flops` buy best.

        >>> f"{Surface(1.69337368, 406.401018, 410.722827, 0.33917084, 0.2849083).optimum(5.76e23).params:.3g}"
        '4.04e+10'
        """
        budget = np.asarray(flops, dtype=np.float64) / per_param_and_token
        total = self.alpha + self.beta
        lean = (np.log(self.alpha * self.A) - np.log(self.beta * self.B)) / total
        # In logs and within the range of floats: constants that the points do not identify place the optimum anywhere.
        params = np.exp(np.clip(lean + self.N_exponent * np.log(budget), -FARTHEST, FARTHEST))
        tokens = budget / params
        return Optimum(as_given(flops), as_given(params), as_given(tokens), self.predict(params, tokens))

    def slopes(self, params: Any, tokens: Any) -> tuple[Any, Any]:
        """(dL/dlnN, dL/dlnD): what one e-fold more of each brings.

        >>> round(Surface(1.69, 406.4, 410.7, 0.34, 0.28).slopes(7e9, 1e12)[1], 4)
        -0.0502
        """
        by_n, by_d = self.A * _power(params, -self.alpha), self.B * _power(tokens, -self.beta)
        return as_given(-self.alpha * by_n), as_given(-self.beta * by_d)


def _power(base: Any, exponent: Any) -> Any:
    return np.asarray(base, dtype=np.float64) ** exponent


def as_given(value: Any) -> Any:
    return float(value) if np.ndim(value) == 0 else np.asarray(value)


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
