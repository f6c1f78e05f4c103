"""Laws across runs: from many sizes to how large, how long, what loss, how sure. Names are loaded on first use."""

from typing import TYPE_CHECKING

from lightning_scaling.lazy import lazy

if TYPE_CHECKING:
    from lightning_scaling.laws.approaches.curve_envelope import envelope
    from lightning_scaling.laws.approaches.isoflop import isoflops
    from lightning_scaling.laws.approaches.kaplan_fit import fit_kaplan
    from lightning_scaling.laws.approaches.side_by_side import compare_approaches
    from lightning_scaling.laws.design.identifying import identifying_run
    from lightning_scaling.laws.design.next_runs import next_runs
    from lightning_scaling.laws.design.simulate import SweepDesign, simulate_runs
    from lightning_scaling.laws.extrapolation.backtests import backtest, leave_one_size_out, rolling_origin
    from lightning_scaling.laws.extrapolation.larger import Larger, predict_larger
    from lightning_scaling.laws.finished_runs import FinishedRuns, bits_per_byte, finished, finished_table
    from lightning_scaling.laws.frontier.frontier import FrontierFit, fit_frontier
    from lightning_scaling.laws.presets.presets import PRESETS, Preset, preset
    from lightning_scaling.laws.runs_fit import RunsFit, fit_runs
    from lightning_scaling.laws.saved import load, save
    from lightning_scaling.laws.surface.fit import fit_surface
    from lightning_scaling.laws.surface.moe import MoEFit, fit_moe
    from lightning_scaling.laws.surface.outliers import propose_outliers
    from lightning_scaling.laws.surface.surface import KappaSurface, Optimum, Surface
    from lightning_scaling.laws.surface.surface_fit import SurfaceFit
    from lightning_scaling.laws.tasks.task_law import TaskLaw, fit_task
    from lightning_scaling.laws.tuning.hyperparameter_fit import HyperparameterFit, fit_hyperparameters
    from lightning_scaling.laws.tuning.hyperparameters import HYPERPARAMETER_LAWS, HyperparameterLaw

_LAZY = {
    "FrontierFit": "frontier.frontier",
    "HYPERPARAMETER_LAWS": "tuning.hyperparameters",
    "HyperparameterFit": "tuning.hyperparameter_fit",
    "HyperparameterLaw": "tuning.hyperparameters",
    "fit_hyperparameters": "tuning.hyperparameter_fit",
    "KappaSurface": "surface.surface",
    "Larger": "extrapolation.larger",
    "Optimum": "surface.surface",
    "Preset": "presets.presets",
    "Surface": "surface.surface",
    "SurfaceFit": "surface.surface_fit",
    "SweepDesign": "design.simulate",
    "backtest": "extrapolation.backtests",
    "bits_per_byte": "finished_runs",
    "finished": "finished_runs",
    "finished_table": "finished_runs",
    "FinishedRuns": "finished_runs",
    "fit_runs": "runs_fit",
    "RunsFit": "runs_fit",
    "next_runs": "design.next_runs",
    "propose_outliers": "surface.outliers",
    "compare_approaches": "approaches.side_by_side",
    "envelope": "approaches.curve_envelope",
    "fit_surface": "surface.fit",
    "fit_frontier": "frontier.frontier",
    "isoflops": "approaches.isoflop",
    "fit_kaplan": "approaches.kaplan_fit",
    "identifying_run": "design.identifying",
    "predict_larger": "extrapolation.larger",
    "PRESETS": "presets.presets",
    "preset": "presets.presets",
    "leave_one_size_out": "extrapolation.backtests",
    "load": "saved",
    "rolling_origin": "extrapolation.backtests",
    "save": "saved",
    "simulate_runs": "design.simulate",
    "MoEFit": "surface.moe",
    "fit_moe": "surface.moe",
    "TaskLaw": "tasks.task_law",
    "fit_task": "tasks.task_law",
}

__all__ = [
    "HYPERPARAMETER_LAWS",
    "PRESETS",
    "FinishedRuns",
    "FrontierFit",
    "HyperparameterFit",
    "HyperparameterLaw",
    "KappaSurface",
    "Larger",
    "MoEFit",
    "Optimum",
    "Preset",
    "RunsFit",
    "Surface",
    "SurfaceFit",
    "SweepDesign",
    "TaskLaw",
    "backtest",
    "bits_per_byte",
    "compare_approaches",
    "envelope",
    "finished",
    "finished_table",
    "fit_frontier",
    "fit_hyperparameters",
    "fit_kaplan",
    "fit_moe",
    "fit_runs",
    "fit_surface",
    "fit_task",
    "identifying_run",
    "isoflops",
    "leave_one_size_out",
    "load",
    "next_runs",
    "predict_larger",
    "preset",
    "propose_outliers",
    "rolling_origin",
    "save",
    "simulate_runs",
]

__getattr__ = lazy(__name__, _LAZY)
