"""Would these runs have foretold their own largest ones? Fit on the smaller, predict the larger, say how far off and how far away."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.fit import fit_surface
from lightning_scaling.laws.larger import Larger, predict_larger
from lightning_scaling.laws.points import points


@dataclass(frozen=True, eq=False)
class Backtest:
    """The held-out runs beside what was predicted for them.

    Args:
        params, tokens, loss: (m,) the held-out runs.
        predicted: what predict_larger said of them from the `fitted_on` smaller ones.
        surface_loss: (m,) what the plain surface fit said.
        because: one sentence with the numbers.
    """

    params: Floats
    tokens: Floats
    loss: Floats
    predicted: Larger
    surface_loss: Floats
    fitted_on: int
    because: str

    @property
    def errors(self) -> Floats:
        """(m,) predicted over observed loss − 1."""
        return np.asarray(self.predicted.loss / self.loss - 1)

    @property
    def surface_errors(self) -> Floats:
        """(m,) the same of the plain surface."""
        return np.asarray(self.surface_loss / self.loss - 1)

    @property
    def inside(self) -> float:
        """Share of the held-out runs inside the interval."""
        return float(np.mean((self.predicted.low <= self.loss) & (self.loss <= self.predicted.high)))


def backtest(
    params: ArrayLike,
    tokens: ArrayLike,
    loss: ArrayLike,
    factor: float = 10.0,
    level: float = 0.9,
    groups: ArrayLike | None = None,
    *,
    flops: ArrayLike | None = None,
) -> Backtest:
    """Hold out every run of more than 1/factor of the largest compute (6·N·D unless `flops` has it).

    Raises:
        ValueError: too few smaller runs remain.
    """
    given = points(params, tokens, loss, groups)
    if not factor > 1:
        raise ValueError(f"factor is the largest compute over the largest fitted on, more than 1; got {factor}")
    spent = given.flops if flops is None else np.asarray(flops, dtype=np.float64)
    small = spent <= spent.max() / factor
    if small.sum() < 6:
        raise ValueError(
            f"only {small.sum()} runs lie below a {factor:g}th of the largest compute; six are needed: choose a smaller factor"
        )
    seen, held = given.take(small), given.take(~small)
    predicted = predict_larger(seen.params, seen.tokens, seen.loss, held.params, held.tokens, level, groups=seen.groups)
    surface: Any = fit_surface(seen.params, seen.tokens, seen.loss).predict(held.params, held.tokens)
    result = Backtest(held.params, held.tokens, held.loss, predicted, np.asarray(surface), len(seen), "")
    return Backtest(**{**vars(result), "because": _sentence(result, level)})


def _sentence(test: Backtest, level: float) -> str:
    off, plain = 100 * np.abs(test.errors).mean(), 100 * np.abs(test.surface_errors).mean()
    return (
        f"fitted on {test.fitted_on} smaller runs, the {len(test.loss)} larger ones (up to {np.max(test.predicted.factor):.3g} times the "
        f"compute) were foretold within {off:.2f} % on average ({plain:.2f} % by the plain surface), "
        f"{100 * test.inside:.0f} % of them inside the {100 * level:.0f} % interval"
    )
