"""Laws of the best learning rate and batch size of one's own: from a sweep over (N, D, rate, batch) to exponents in N and D.

First each (N, D) gives its optimum (`tuned_optimum`), then one power law goes through the optima (`power_product_fit`), as Li et al. 2025
and DeepSeek 2024 do; here every optimum counts by its own error, and sweeps that end before their best value are left out and counted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lightning_scaling import numbers
from lightning_scaling.arrays import Floats
from lightning_scaling.laws.outcomes import HyperparameterOutcome
from lightning_scaling.laws.points import positive
from lightning_scaling.laws.tuning.power_product_fit import PowerProductFit, fit_power_product
from lightning_scaling.laws.tuning.tuned_optimum import TunedOptimum, tuned_optimum
from lightning_scaling.printed import Printed, Rows


@dataclass(frozen=True, eq=False, repr=False)
class HyperparameterFit(Printed):
    """The laws of the best peak learning rate and batch size (tokens), and the `optima` of each (N, D) they go through."""

    learning_rate: PowerProductFit
    batch_tokens: PowerProductFit
    optima: tuple[TunedOptimum, ...]

    @property
    def outcome(self) -> HyperparameterOutcome:
        """That of the learning rate; the batch has its own in `batch_tokens.outcome`."""
        return self.learning_rate.outcome

    def _sentence(self) -> str:
        return "\n\n".join(str(law) for law in (self.learning_rate, self.batch_tokens))

    def _table(self) -> Rows:
        return [("N", "D", "runs", "best rate", "best batch", "loss"), *map(_row, self.optima)]


def fit_hyperparameters(
    params: ArrayLike, tokens: ArrayLike, learning_rate: ArrayLike, batch_tokens: ArrayLike, loss: ArrayLike, level: float = 0.9
) -> HyperparameterFit:
    """How the best learning rate and batch size grow with N and D.

    Args:
        params, tokens: (n,) N and D of each run.
        learning_rate: (n,) peak rate.
        batch_tokens: (n,) batch size in tokens (or in any one unit).
        loss: (n,) final loss; runs that diverged (NaN or infinite) are left out.
        level: of the intervals.

    Raises:
        ValueError: unequal lengths, or a value that is not positive.

    >>> N, D, rate = (v.ravel() for v in np.meshgrid([1e8, 4e8, 1e9], [4e9, 1e10, 4e10], np.geomspace(1e-4, 1e-2, 9)))
    >>> best = 1.79 * N**-0.713 * D**0.307
    >>> fit = fit_hyperparameters(N, D, rate, np.full(len(N), 5e5), 2.5 + 0.05 * np.log(rate / best) ** 2)
    >>> round(fit.learning_rate.params_exponent, 2), fit.batch_tokens.outcome.name
    (-0.71, 'TOO_FEW_OPTIMA')
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    runs = _runs(params, tokens, learning_rate, batch_tokens, loss)
    places = sorted(set(zip(runs[0].tolist(), runs[1].tolist(), strict=True)))
    optima = tuple(tuned_optimum(n, d, *runs[2:, (runs[0] == n) & (runs[1] == d)]) for n, d in places)
    return HyperparameterFit(_law("peak learning rate", optima, level), _law("batch (tokens)", optima, level), optima)


def _runs(*columns: ArrayLike) -> Floats:
    """(5, n) checked columns without the runs that have no loss."""
    names = ("params", "tokens", "learning_rate", "batch_tokens", "loss")
    loss = np.atleast_1d(np.asarray(columns[-1], dtype=np.float64))
    arrays = [positive(name, values) for name, values in zip(names[:-1], columns[:-1], strict=True)]
    if len({len(a) for a in [*arrays, loss]}) > 1:
        lengths = ", ".join(str(len(a)) for a in [*arrays, loss])
        raise ValueError(f"{', '.join(names[:-1])} and loss must have equal length, got {lengths}")
    kept = np.isfinite(loss)
    return np.stack([*(a[kept] for a in arrays), positive("loss", loss[kept])])


def _law(quantity: str, optima: tuple[TunedOptimum, ...], level: float) -> PowerProductFit:
    rate = quantity == "peak learning rate"
    found = [
        (o.params, o.tokens, o.learning_rate, o.rate_error) if rate else (o.params, o.tokens, o.batch_tokens, o.batch_error) for o in optima
    ]
    known = [each for each in found if np.isfinite(each[-1])]
    params, tokens, values, errors = np.array(known, dtype=np.float64).reshape(-1, 4).T
    bounds = sum(bool(o.rate_side or o.batch_side) for o in optima)
    return fit_power_product(quantity, params, tokens, values, errors, bounds, level)


def _row(optimum: TunedOptimum) -> tuple[str, ...]:
    sign = {"": "", "low": "≤ ", "high": "≥ "}
    place = numbers.count(optimum.params), numbers.count(optimum.tokens), str(optimum.runs)
    if optimum.reason:
        return (*place, numbers.ABSENT, numbers.ABSENT, optimum.reason)
    rate = sign[optimum.rate_side] + numbers.scientific(optimum.learning_rate)
    return (*place, rate, sign[optimum.batch_side] + numbers.count(optimum.batch_tokens), numbers.loss(optimum.loss))
