"""The monitor that is attached to a trainer: the only part of the package that imports Lightning.

`ScalingLawMonitor` is loaded on first use, so that the entry points of `factory` cost nothing while they are off.
"""

from typing import TYPE_CHECKING

from lightning_scaling.lazy import lazy

if TYPE_CHECKING:
    from lightning_scaling.callbacks.lightning import ScalingLawMonitor

__all__ = ["ScalingLawMonitor"]

__getattr__, __dir__ = lazy(__name__, {"ScalingLawMonitor": "lightning"})
