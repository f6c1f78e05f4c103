"""What training costs: C = 6·N·D floating-point operations (Kaplan et al. 2020, section 2.1), and the PF-day as their unit.

A token passes forward through N weights (2N operations: multiply and add) and backward at twice that cost. One PF-day is 1e15
operations a second for a day.
"""

from typing import Any

FLOPS_PER_PARAM_AND_TOKEN = 6
FLOPS_PER_PF_DAY = 8.64e19  # no int: it is beyond 64 bits, and numpy 1 makes arrays of objects of it


def training_flops(params: Any, tokens: Any) -> Any:
    """FLOPs of training `params` weights on `tokens` tokens: 6·N·D. Python ints stay exact; arrays broadcast.

    >>> training_flops(1_000, 10**9)
    6000000000000
    """
    return FLOPS_PER_PARAM_AND_TOKEN * params * tokens


def tokens_for(flops: Any, params: Any) -> Any:
    """Tokens on which `params` weights are trained with `flops`: C / 6N; with tokens in place of params, the params.

    >>> tokens_for(6_000_000_000_000, 1_000)
    1000000000.0
    """
    return flops / (FLOPS_PER_PARAM_AND_TOKEN * params)


def pf_days(flops: Any) -> Any:
    """FLOPs in PF-days (8.64e19 operations each).

    >>> f"{pf_days(training_flops(1_000, 10**9)):.2e}"
    '6.94e-08'
    """
    return flops / FLOPS_PER_PF_DAY
