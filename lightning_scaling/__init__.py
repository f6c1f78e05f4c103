"""Scaling laws for PyTorch Lightning: what a run has cost, where it will end, and what the same compute could buy.

Names are loaded on first use, so that `import lightning_scaling` costs numpy alone and the command line answers at once.
"""

from typing import TYPE_CHECKING

from lightning_scaling.lazy import lazy
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import Prediction, RunRecord, RunState
from lightning_scaling.run.schedule import Schedule
from lightning_scaling.units import pf_days, training_flops

if TYPE_CHECKING:
    from lightning_scaling.advice import advise
    from lightning_scaling.forecasting import forecast
    from lightning_scaling.laws import fit_surface, predict_larger

__version__ = "0.1.0"

_LAZY = {
    "forecast": "forecasting",
    "advise": "advice",
    "fit_surface": "laws",
    "predict_larger": "laws",
}

__all__ = [
    "Curve",
    "Prediction",
    "RunRecord",
    "RunState",
    "Schedule",
    "advise",
    "fit_surface",
    "forecast",
    "pf_days",
    "predict_larger",
    "training_flops",
]

__getattr__ = lazy(__name__, _LAZY)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
