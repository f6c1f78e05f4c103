"""The two slices of L(N, D): final loss against parameters, each line one amount of data, and against tokens, each line one size."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.report.figures.axes import log_axis, new_figure, note, padded, settle
from lightning_scaling.report.figures.dots import dots
from lightning_scaling.report.figures.labels import halo
from lightning_scaling.report.rows import RunRow, rows
from lightning_scaling.report.theme import Theme, drawing, theme_of
from lightning_scaling.run.record import RunRecord

LINES = 3  # of the law in each slice: at the least, the middle and the most of the other quantity


def loss_slices(records: Sequence[RunRecord], law: SurfaceFit, theme: str | Theme = "light") -> Any:
    """A matplotlib Figure of two axes: the dots are finished runs, the dashed lines the law with the other quantity held."""
    look = theme_of(theme)
    ended = [r for r in rows(records) if r.fitted and r.params and r.tokens > 0]
    with drawing(look):
        figure, both = new_figure(9.4, 3.4, look, panels=2, sharey=True)
        if not ended:
            for axes in both:
                note(axes, "no finished run yet")
            return settle(figure)
        for axes, across in zip(both, ("params", "tokens"), strict=True):
            _slice(axes, ended, across, law, look)
        for axes in both if look.narrow else both[:1]:
            axes.set_ylabel("final validation loss")
        log_axis(both[0].yaxis, *padded([r.loss for r in ended], 0.25), numbers.plain, most=6)
        return settle(figure)


def _slice(axes: Any, ended: Sequence[RunRow], across: str, law: SurfaceFit, look: Theme) -> None:
    ends = {"params": np.array([float(r.params or 0) for r in ended]), "tokens": np.array([r.tokens for r in ended])}
    held = "tokens" if across == "params" else "params"
    axes.set_xlabel("parameters N" if across == "params" else "training tokens D")
    low, high = padded(ends[across].tolist(), 0.1)
    grid = np.geomspace(low, high, 60)
    for value in np.unique(np.quantile(ends[held], np.linspace(0, 1, LINES))):
        line = law.predict(**{across: grid, held: np.full(60, value)})
        axes.plot(grid, line, color=look.accent, lw=1.2, ls=(0, (5, 2)), gid="law")
        label = f"{'D' if held == 'tokens' else 'N'} = {numbers.count(value)}"
        style = dict(textcoords="offset points", ha="right", va="top", color=look.accent, fontsize=7.5)
        halo(axes.annotate(label, (grid[-1], line[-1]), xytext=(-2, -3), **style), look)
    dots(axes, ended, ends[across].tolist(), [run.loss for run in ended], look, ms=5.5, zorder=4, gid="run")
    log_axis(axes.xaxis, low, high, numbers.count, most=5)
