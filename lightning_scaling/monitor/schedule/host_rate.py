"""The learning rate of the optimiser step to come, read in the training's own thread without waiting for a device."""

from typing import Any


def host_rate(optimizer: Any, last: float | None = None) -> float | None:
    """The rate of the first parameter group; None where there is none (no optimiser, relative steps).

    Args:
        optimizer: a torch optimiser, or a wrapper that shows its `param_groups`.
        last: the rate before, which is kept where the present one is a tensor on an accelerator: reading it would wait for the device.
    """
    groups = getattr(optimizer, "param_groups", None)
    rate = groups[0].get("lr") if groups else None
    if rate is None or isinstance(rate, float):
        return rate
    return last if str(getattr(rate, "device", "cpu")) != "cpu" else float(rate)
