"""The pictures of a report, each a matplotlib Figure in a light or a dark theme."""

from lightning_scaling.report.figures.allocation import optimal_allocation as optimal_allocation
from lightning_scaling.report.figures.averaged import averaged_panel as averaged_panel
from lightning_scaling.report.figures.collapse import collapse_panel as collapse_panel
from lightning_scaling.report.figures.compute import loss_against_compute as loss_against_compute
from lightning_scaling.report.figures.contour import loss_contour as loss_contour
from lightning_scaling.report.figures.ill import ill_panels as ill_panels
from lightning_scaling.report.figures.isoflop import isoflop_curves as isoflop_curves
from lightning_scaling.report.figures.power_law import power_law_panel as power_law_panel
from lightning_scaling.report.figures.residuals import residuals as residuals
from lightning_scaling.report.figures.runs import all_panels as all_panels
from lightning_scaling.report.figures.runs import run_panel as run_panel
from lightning_scaling.report.figures.slices import loss_slices as loss_slices
