"""The learning rate of the optimiser step to come, read in the training's own thread without waiting for a device."""

from collections.abc import Sequence
from typing import Any


def host_rate(optimizer: Any, last: float | None = None) -> float | None:
    """The rate of the followed parameter group; None where there is none (no optimiser, relative steps).

    Args:
        optimizer: a torch optimiser, or a wrapper that shows its `param_groups`.
        last: the rate before, which is kept where the present one is a tensor on an accelerator: reading it would wait for the device.
    """
    groups: list[Any] = getattr(optimizer, "param_groups", None) or []
    rate = groups[0].get("lr") if groups else None
    if rate == 0.0 and isinstance(rate, float) and len(groups) > 1:
        rate = groups[followed_group(groups)].get("lr")
    if rate is None or isinstance(rate, float):
        return rate
    return last if str(getattr(rate, "device", "cpu")) != "cpu" else float(rate)


def followed_group(groups: Sequence[Any]) -> int:
    """The first parameter group, or where that one is held still by a rate of zero the first other one.

    >>> followed_group([{"lr": 1e-3}, {"lr": 1e-2}]), followed_group([{"lr": 0.0}, {"lr": 1e-2}]), followed_group([{"lr": 0.0}])
    (0, 1, 0)
    """
    # a warm-up begins at zero too: what counts is the rate that a scheduler multiplies
    rates = [group.get("initial_lr", group.get("lr")) for group in groups]
    return next((i for i, rate in enumerate(rates) if not (isinstance(rate, float | int) and rate == 0)), 0)
