"""The budget at which a model size, or a number of tokens, is the best one: the optimum of a law read backwards."""

import math

from lightning_scaling.laws.capabilities import AllocationLaw, name_of

# FLOPs between which the budget is searched: a model of one parameter to far beyond any computer.
LOWEST, HIGHEST = 1e2, 1e42
HALVINGS = 120


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
