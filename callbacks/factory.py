"""The monitor on every `Trainer()` with no change of code: `LIGHTNING_SCALING=1` in the environment.

Lightning calls this (entry-point groups `lightning.pytorch.callbacks_factory` and `pytorch_lightning.callbacks_factory`) whenever a
trainer is made. It is off by default, imports nothing while it is off, and never raises: a broken monitor must not keep anybody from
training. A monitor attached by hand goes first. Options are variables such as LIGHTNING_SCALING_STORE or LIGHTNING_SCALING_FAMILY, named
as the options of `ScalingLawMonitor`.
"""

import os
import warnings
from typing import Any

SWITCH = "LIGHTNING_SCALING"


def callbacks() -> list[Any]:
    """The monitor if the environment asks for one, else nothing."""
    if os.environ.get(SWITCH, "").strip().lower() in ("", "0", "false", "no", "off"):
        return []
    try:
        return [_automatic()]
    except Exception as error:
        warnings.warn(f"scaling: {SWITCH} is set, but no monitor could be attached: {error}", UserWarning, stacklevel=2)
        return []


def _automatic() -> Any:
    from lightning_scaling.callbacks.lightning import ScalingLawMonitor
    from lightning_scaling.monitor.options import from_environment

    monitor = ScalingLawMonitor(**from_environment(os.environ))
    monitor.automatic = True
    return monitor
