"""Laws across runs: from many sizes to how large, how long, what loss, how sure. Names are loaded on first use."""

from typing import TYPE_CHECKING

from lightning_scaling.lazy import lazy

if TYPE_CHECKING:
    from lightning_scaling.laws.curve_envelope import envelope
    from lightning_scaling.laws.design import next_runs
    from lightning_scaling.laws.finished_runs import FinishedRuns, bits_per_byte, finished, finished_table
    from lightning_scaling.laws.fit import fit_surface
    from lightning_scaling.laws.frontier import FrontierFit, fit_frontier
    from lightning_scaling.laws.holdout import backtest, leave_one_size_out, rolling_origin
    from lightning_scaling.laws.hyperparameter_fit import HyperparameterFit, fit_hyperparameters
    from lightning_scaling.laws.hyperparameters import HYPERPARAMETER_LAWS, HyperparameterLaw
    from lightning_scaling.laws.identifying import identifying_run
    from lightning_scaling.laws.isoflop import isoflops
    from lightning_scaling.laws.kaplan_fit import fit_kaplan
    from lightning_scaling.laws.kappa_surface import KappaSurface
    from lightning_scaling.laws.larger import Larger, predict_larger
    from lightning_scaling.laws.moe import MoEFit, fit_moe
    from lightning_scaling.laws.outliers import propose_outliers
    from lightning_scaling.laws.presets import PRESETS, preset
    from lightning_scaling.laws.published import Preset
    from lightning_scaling.laws.runs_fit import RunsFit, fit_runs
    from lightning_scaling.laws.saved import load, save
    from lightning_scaling.laws.side_by_side import approaches
    from lightning_scaling.laws.simulate import SweepDesign, simulate_runs
    from lightning_scaling.laws.surface import Optimum, Surface
    from lightning_scaling.laws.surface_fit import SurfaceFit
    from lightning_scaling.laws.task_law import TaskLaw, fit_task

_LAZY = {
    "FrontierFit": "frontier",
    "HYPERPARAMETER_LAWS": "hyperparameters",
    "HyperparameterFit": "hyperparameter_fit",
    "HyperparameterLaw": "hyperparameters",
    "fit_hyperparameters": "hyperparameter_fit",
    "KappaSurface": "kappa_surface",
    "Larger": "larger",
    "Optimum": "surface",
    "Preset": "published",
    "Surface": "surface",
    "SurfaceFit": "surface_fit",
    "SweepDesign": "simulate",
    "backtest": "holdout",
    "bits_per_byte": "finished_runs",
    "finished": "finished_runs",
    "finished_table": "finished_runs",
    "FinishedRuns": "finished_runs",
    "fit_runs": "runs_fit",
    "RunsFit": "runs_fit",
    "next_runs": "design",
    "propose_outliers": "outliers",
    "approaches": "side_by_side",
    "envelope": "curve_envelope",
    "fit_surface": "fit",
    "fit_frontier": "frontier",
    "isoflops": "isoflop",
    "fit_kaplan": "kaplan_fit",
    "identifying_run": "identifying",
    "predict_larger": "larger",
    "PRESETS": "presets",
    "preset": "presets",
    "leave_one_size_out": "holdout",
    "load": "saved",
    "rolling_origin": "holdout",
    "save": "saved",
    "simulate_runs": "simulate",
    "MoEFit": "moe",
    "fit_moe": "moe",
    "TaskLaw": "task_law",
    "fit_task": "task_law",
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
    "approaches",
    "backtest",
    "bits_per_byte",
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
