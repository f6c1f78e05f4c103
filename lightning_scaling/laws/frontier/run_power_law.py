"""The power law of one run: L(C) = L_inf + (C0/C)^alpha over its compute, or the same over its tokens.

It describes what was seen. While the learning rate has still to fall, its end is 3 to 5 % too high (measured on published runs at a fifth
to half of their length): `forecast` knows the schedule and is the one to act on.
"""

from typing import Literal

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.frontier.power import PowerLaw, fit_power
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord


def fit_power_law(run: Curve | RunRecord, x: Literal["compute", "tokens"] = "compute", level: float = 0.9) -> PowerLaw:
    """Fit the power law of a run.

    Args:
        run: a curve (6·N·D FLOPs, N being its `params`), or a record (FLOPs as they were counted).
        x: "compute" in FLOPs, or "tokens".
        level: of the intervals.

    Raises:
        ValueError: another x, or a curve without `params` over compute.
        TypeError: neither a curve nor a record.

    >>> tokens = [1e6 * 2**k for k in range(12)]
    >>> print(fit_power_law(Curve(tokens, [2 + (1e5 / t) ** 0.5 for t in tokens]), x="tokens"))
    L(D) = 2.000 + (1e5 tokens / D)^0.5, R² 1.0000
    """
    if not isinstance(run, Curve | RunRecord):
        raise TypeError(
            f"fit_power_law takes a Curve or a RunRecord, got {type(run).__name__}: make one with Curve(tokens, loss, params=N)"
        )
    if x not in ("compute", "tokens"):
        raise ValueError(f"x is 'compute' or 'tokens', got {x!r}")
    curve = run.curve if isinstance(run, RunRecord) else run
    values: Floats = curve.tokens if x == "tokens" else run.flops
    return fit_power(values, curve.loss, level, "tokens" if x == "tokens" else "FLOPs")
