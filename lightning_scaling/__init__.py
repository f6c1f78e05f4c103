"""Scaling laws for PyTorch Lightning: what a run has cost, where it will end, and what the same compute could buy.

This is the whole public API, in the order of a run's life. Names are loaded on first use, so that `import lightning_scaling` costs numpy
alone and the command line answers at once.
"""

from typing import TYPE_CHECKING, Any

from lightning_scaling.lazy import lazy
from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import Prediction, RunRecord, RunState
from lightning_scaling.run.schedule import Schedule
from lightning_scaling.units import pf_days, training_flops

if TYPE_CHECKING:
    from lightning_scaling.advice import AddData, Advice, Economics, Reason, Verdict
    from lightning_scaling.advice.advise import advise
    from lightning_scaling.callbacks import ScalingLawMonitor
    from lightning_scaling.forecasting import Forecast, ForecastOutcome
    from lightning_scaling.forecasting.forecast import forecast
    from lightning_scaling.laws import (
        PRESETS,
        Surface,
        SurfaceFit,
        SweepDesign,
        fit_frontier,
        fit_runs,
        fit_surface,
        predict_larger,
        preset,
        simulate_runs,
    )
    from lightning_scaling.laws.frontier.power import PowerLaw, PowerOutcome, fit_power_law
    from lightning_scaling.laws.outcomes import (
        FrontierOutcome,
        HyperparameterOutcome,
        LargerOutcome,
        MoEOutcome,
        SurfaceOutcome,
        TaskOutcome,
    )
    from lightning_scaling.laws.surface.moe import MoEFit, fit_moe
    from lightning_scaling.laws.tasks.task_law import TaskLaw, TaskPrediction, fit_task
    from lightning_scaling.laws.tuning.hyperparameter_fit import HyperparameterFit, fit_hyperparameters
    from lightning_scaling.laws.tuning.hyperparameters import HYPERPARAMETER_LAWS
    from lightning_scaling.monitor import RunMonitor
    from lightning_scaling.monitor.webhook import Webhook
    from lightning_scaling.report import Study
    from lightning_scaling.report import load_study as load

__version__ = "0.2.0"

# What one run is made of is imported above; everything else by the module that holds it.
_LAZY = {
    "ScalingLawMonitor": "callbacks",
    "RunMonitor": "monitor",
    "Webhook": "monitor.webhook",
    "forecast": "forecasting",
    "Forecast": "forecasting",
    "ForecastOutcome": "forecasting",
    "fit_power_law": "laws.frontier.power",
    "PowerLaw": "laws.frontier.power",
    "PowerOutcome": "laws.frontier.power",
    "advise": "advice",
    "Advice": "advice",
    "Economics": "advice",
    "Verdict": "advice",
    "Reason": "advice",
    "AddData": "advice",
    "fit_surface": "laws",
    "SurfaceFit": "laws",
    "Surface": "laws",
    "SurfaceOutcome": "laws.outcomes",
    "fit_frontier": "laws",
    "FrontierOutcome": "laws.outcomes",
    "predict_larger": "laws",
    "LargerOutcome": "laws.outcomes",
    "fit_runs": "laws",
    "preset": "laws",
    "PRESETS": "laws",
    "simulate_runs": "laws",
    "SweepDesign": "laws",
    "fit_moe": "laws.surface.moe",
    "MoEFit": "laws.surface.moe",
    "MoEOutcome": "laws.outcomes",
    "fit_task": "laws.tasks.task_law",
    "TaskLaw": "laws.tasks.task_law",
    "TaskPrediction": "laws.tasks.task_law",
    "TaskOutcome": "laws.outcomes",
    "fit_hyperparameters": "laws.tuning.hyperparameter_fit",
    "HyperparameterFit": "laws.tuning.hyperparameter_fit",
    "HyperparameterOutcome": "laws.outcomes",
    "HYPERPARAMETER_LAWS": "laws.tuning.hyperparameters",
    "Study": "report",
}

__all__ = [
    "HYPERPARAMETER_LAWS",
    "PRESETS",
    "AddData",
    "Advice",
    "Conventions",
    "Curve",
    "Economics",
    "Forecast",
    "ForecastOutcome",
    "FrontierOutcome",
    "HyperparameterFit",
    "HyperparameterOutcome",
    "LargerOutcome",
    "MoEFit",
    "MoEOutcome",
    "PowerLaw",
    "PowerOutcome",
    "Prediction",
    "Reason",
    "RunMonitor",
    "RunRecord",
    "RunState",
    "ScalingLawMonitor",
    "Schedule",
    "Study",
    "Surface",
    "SurfaceFit",
    "SurfaceOutcome",
    "SweepDesign",
    "TaskLaw",
    "TaskOutcome",
    "TaskPrediction",
    "Verdict",
    "Webhook",
    "advise",
    "fit_frontier",
    "fit_hyperparameters",
    "fit_moe",
    "fit_power_law",
    "fit_runs",
    "fit_surface",
    "fit_task",
    "forecast",
    "load",
    "pf_days",
    "predict_larger",
    "preset",
    "simulate_runs",
    "training_flops",
]

_load, _ = lazy(__name__, _LAZY)


def __getattr__(name: str) -> Any:
    if name == "load":  # a store's runs as a study
        from lightning_scaling.report import load_study

        return load_study
    return _load(name)


def __dir__() -> list[str]:
    return sorted(__all__)
