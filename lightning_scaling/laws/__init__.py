"""Laws across runs: from many sizes to how large, how long, what loss, how sure. Names are loaded on first use."""

from typing import TYPE_CHECKING

from lightning_scaling.lazy import lazy

if TYPE_CHECKING:
    from lightning_scaling.laws.approaches.curve_envelope import envelope
    from lightning_scaling.laws.approaches.isoflop import isoflops
    from lightning_scaling.laws.approaches.kaplan_fit import fit_kaplan
    from lightning_scaling.laws.approaches.side_by_side import compare_approaches
    from lightning_scaling.laws.design.next_runs import identifying_run, next_runs
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

_NAMES = {
    "approaches.curve_envelope": "envelope",
    "approaches.isoflop": "isoflops",
    "approaches.kaplan_fit": "fit_kaplan",
    "approaches.side_by_side": "compare_approaches",
    "design.next_runs": "identifying_run next_runs",
    "design.simulate": "SweepDesign simulate_runs",
    "extrapolation.backtests": "backtest leave_one_size_out rolling_origin",
    "extrapolation.larger": "Larger predict_larger",
    "finished_runs": "FinishedRuns bits_per_byte finished finished_table",
    "frontier.frontier": "FrontierFit fit_frontier",
    "presets.presets": "PRESETS Preset preset",
    "runs_fit": "RunsFit fit_runs",
    "saved": "load save",
    "surface.fit": "fit_surface",
    "surface.moe": "MoEFit fit_moe",
    "surface.outliers": "propose_outliers",
    "surface.surface": "KappaSurface Optimum Surface",
    "surface.surface_fit": "SurfaceFit",
    "tasks.task_law": "TaskLaw fit_task",
    "tuning.hyperparameter_fit": "HyperparameterFit fit_hyperparameters",
    "tuning.hyperparameters": "HYPERPARAMETER_LAWS HyperparameterLaw",
}
_LAZY = {name: place for place, names in _NAMES.items() for name in names.split()}
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
__getattr__, __dir__ = lazy(__name__, _LAZY)
