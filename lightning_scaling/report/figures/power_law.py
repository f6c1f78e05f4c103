"""The power law of one run over its own curve, on a logarithmic axis of compute, with the place where a plateau was called."""

from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.report.figures.axes import compute_axis, log_axis, new_figure, note, padded, settle
from lightning_scaling.report.figures.labels import halo
from lightning_scaling.report.power_law import power_law_line, power_law_of
from lightning_scaling.report.rows import loss_name
from lightning_scaling.report.theme import Theme, drawing, size_colours, theme_of
from lightning_scaling.run.readings import plateau_of
from lightning_scaling.run.record import RunRecord

_START = 1 / 300  # of the compute: before it every model is equally lost


def power_law_panel(record: RunRecord, theme: str | Theme = "light", size: tuple[float, float] = (7.8, 4.2)) -> Any:
    """A matplotlib Figure of one run, `size` in inches: log–log, its loss over FLOPs and PF-days, L(C) dashed."""
    look = theme_of(theme)
    with drawing(look):
        figure, axes = new_figure(*size, look)
        draw_power_law(axes, record, look)
        return settle(figure)


def draw_power_law(axes: Any, record: RunRecord, look: Theme, colour: Any = None, words: bool = True) -> None:
    """The curve, its law (with its constants, where there is room for `words`) and the mark of its plateau on `axes`."""
    flops, loss = record.flops, record.curve.loss
    shown = np.isfinite(flops) & (flops > 0) & np.isfinite(loss) & (loss > 0) if len(flops) == len(loss) else np.zeros(len(loss), bool)
    axes.set_ylabel(loss_name([record]))
    if not shown.any():
        axes.set_xlabel("training compute C (FLOPs)")
        return note(axes, "no finite loss and compute were recorded")
    late = shown & (flops >= min(_START * flops[shown][-1], flops[shown][-1] / 2))
    compute_axis(axes, *padded(flops[late])) if words else _narrow_axis(axes, *padded(flops[late]))
    log_axis(axes.yaxis, *padded(loss[late], 0.12), numbers.plain, most=8)
    style: dict[str, Any] = {"color": colour or size_colours([record.curve.params], look)[0], "marker": "o" if shown.sum() == 1 else None}
    axes.plot(flops[shown], loss[shown], zorder=3, gid="curve", **style)
    _law(axes, record, look, words)
    _mark(axes, record, look)


def _narrow_axis(axes: Any, low: float, high: float) -> None:
    axes.set_xlabel("training compute C (FLOPs)")
    log_axis(axes.xaxis, low, high, numbers.scientific, most=4)


def _law(axes: Any, record: RunRecord, look: Theme, words: bool) -> None:
    law, line = power_law_of(record), power_law_line(record)
    if law is None:
        return
    if line is not None:
        axes.plot(*line, color=look.accent, lw=1.5, ls=(0, (5, 2)), zorder=4, gid="power-law")
    if not words:
        return
    place = dict(transform=axes.transAxes, ha="right", va="top", color=look.accent, fontsize=8.5, wrap=True)
    halo(axes.text(0.985, 0.965, str(law).partition("; ")[0], **place), look)  # the rest is in the words below


def _mark(axes: Any, record: RunRecord, look: Theme) -> None:
    called = plateau_of(record)
    if called is None or not called.flops > 0:
        return
    at = np.interp(np.log(called.flops), np.log(record.flops), record.curve.loss)
    axes.axvline(called.flops, color=look.muted, lw=0.9, ls=":", zorder=2)
    axes.plot([called.flops], [at], "v", ms=8, color=look.accent, mec=look.paper, zorder=6, gid="plateau")
    halo(axes.annotate("plateau called", (called.flops, at), xytext=(-7, -14), textcoords="offset points", ha="right", fontsize=8), look)
