"""One run being trained, without any trainer: count, judge, record, decide to stop, and resume."""

from typing import TYPE_CHECKING

from lightning_scaling.lazy import lazy

if TYPE_CHECKING:
    from lightning_scaling.monitor.run_monitor import RunMonitor

__all__ = ["RunMonitor"]

__getattr__, __dir__ = lazy(__name__, {"RunMonitor": "run_monitor"})
