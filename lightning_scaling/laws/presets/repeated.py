"""What repeated data is worth (Muennighoff et al. 2023, arXiv 2305.16264, eqs. 5 and 10).

D' = U + U·R*·(1 − exp(−R/R*)) with U unique tokens and R = D/U − 1 repetitions: each pass over the same text counts for less, and never
more than 1 + R* passes in all. Params beyond what the unique tokens deserve fade the same way with R_N*.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.laws.surface.surface import Optimum, Surface, as_given
from lightning_scaling.units import tokens_for

R_D = 15.387756
R_N = 5.309743


def effective(amount: Any, unique: Any, half_life: float = R_D) -> Any:
    """The fresh amount that `amount` is worth when only `unique` of it is different.

    >>> [round(effective(n, 1.0) / n, 3) for n in (4, 8, 16, 40)]
    [0.931, 0.828, 0.661, 0.379]
    """
    unique = np.minimum(np.asarray(unique, dtype=np.float64), amount)
    repeats = np.asarray(amount, dtype=np.float64) / unique - 1.0
    return as_given(unique * (1.0 - half_life * np.expm1(-repeats / half_life)))


def next_epoch_worth(epochs: Any) -> Any:
    """What one more pass is worth after `epochs` passes, as a share of as many fresh tokens.

    >>> round(next_epoch_worth(1), 3), round(next_epoch_worth(14), 3)
    (0.968, 0.416)
    """
    return as_given(effective(np.asarray(epochs) + 1.0, 1.0) - effective(epochs, 1.0))


def epochs_until(worth: float) -> float:
    """Passes after which the next token is worth only `worth` of a fresh one: beyond that, fresh data at 1/worth times the price is better.

    >>> round(epochs_until(0.5), 1)
    11.7
    """
    if not 0 < worth < 1:
        raise ValueError(f"worth is a share of a fresh token, between 0 and 1; got {worth}")
    return float(1.0 - R_D * np.log(worth))


@dataclass(frozen=True)
class RepeatedData:
    """A surface whose tokens, and params in excess, count by what they are worth."""

    surface: Surface
    tokens_half_life: float = R_D
    params_half_life: float = R_N

    def predict(self, params: Any, tokens: Any, unique_tokens: Any = None) -> Any:
        """Loss at N params and D tokens of which `unique_tokens` are different (None: all)."""
        if unique_tokens is None:
            return self.surface.predict(params, tokens)
        unique = np.minimum(np.asarray(unique_tokens, dtype=np.float64), tokens)
        deserved = np.minimum(self._params_for(unique), params)
        return self.surface.predict(effective(params, deserved, self.params_half_life), effective(tokens, unique, self.tokens_half_life))

    def optimum(self, flops: Any, unique_tokens: float | None = None) -> Optimum:
        """The best N and D for `flops`, all tokens fresh or only `unique_tokens` of them."""
        fresh = self.surface.optimum(flops)
        if unique_tokens is None or np.all(np.asarray(fresh.tokens) <= unique_tokens):
            return fresh
        params = np.exp(np.linspace(np.log(fresh.params) - 7, np.log(fresh.params) + 3, 4001))
        losses = self.predict(params, tokens_for(flops, params), unique_tokens)
        best = int(np.argmin(losses))
        return Optimum(flops, float(params[best]), float(tokens_for(flops, params[best])), float(losses[best]))

    def _params_for(self, tokens: Any) -> Any:
        # The params whose compute-optimal data is `tokens`: N = G·(D·G)^(a/b).
        s = self.surface
        lean = (s.alpha * s.A / (s.beta * s.B)) ** (1 / (s.alpha + s.beta))
        return lean * (np.asarray(tokens, dtype=np.float64) * lean) ** (s.N_exponent / s.D_exponent)
