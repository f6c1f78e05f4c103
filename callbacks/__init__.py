"""The monitor that is attached to a trainer: the only part of the package that imports Lightning.

`ScalingLawMonitor` is loaded on first use, so that the entry points of `factory` cost nothing while they are off.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning_scaling.callbacks.monitor import ScalingLawMonitor

__all__ = ["ScalingLawMonitor"]


def __getattr__(name: str) -> Any:
    if name == "ScalingLawMonitor":
        from lightning_scaling.callbacks.monitor import ScalingLawMonitor

        return ScalingLawMonitor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
