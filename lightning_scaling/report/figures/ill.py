"""The runs that need a look, a panel each: the run over compute with its power law and plateau, the runs of its size in grey."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.report.figures.axes import new_figure, note, settle
from lightning_scaling.report.figures.power_law import draw_power_law
from lightning_scaling.report.ill import Ill
from lightning_scaling.report.rows import RunRow
from lightning_scaling.report.sample import points_of_each
from lightning_scaling.report.theme import Theme, drawing, theme_of
from lightning_scaling.run.thinning import log_spaced

MOST = 6
_SIBLINGS = 12


def ill_panels(ill: Sequence[Ill], runs: Sequence[RunRow], theme: str | Theme = "light") -> Any:
    """A matplotlib Figure of at most six panels, the worst run first; `runs` are all, for those of equal size beside it."""
    look, shown = theme_of(theme), ill[:MOST]
    columns = min(3, max(len(shown), 1))
    lines = -(-len(shown) // columns) or 1
    with drawing(look):
        figure, grid = new_figure(9.4, 3.1 * lines, nrows=lines, ncols=columns, squeeze=False)
        for number, (axes, each) in enumerate(zip(grid.flat, shown, strict=False), 1):
            axes.set_title(f"{number} · {numbers.count(each.run.params)} parameters")
            _siblings(axes, each.run, runs, look)
            draw_power_law(axes, each.run.record, look, colour=look.ink, words=False)
        for axes in grid.flat[max(len(shown), 1) :]:
            axes.set_axis_off()
        if not shown:
            note(grid[0, 0], "no run needs a look")
        return settle(figure)


def _siblings(axes: Any, run: RunRow, runs: Sequence[RunRow], look: Theme) -> None:
    """Finished runs of the same size, as a measure."""
    beside = [other for other in runs if other is not run and other.fitted and other.params == run.params][:_SIBLINGS]
    for other in beside:
        flops, loss = other.record.flops, other.record.curve.loss
        kept = np.flatnonzero(np.isfinite(loss) & (loss > 0) & (flops > 0))
        kept = kept[log_spaced(flops[kept], points_of_each(1))]
        axes.plot(flops[kept], loss[kept], color=look.muted, lw=0.8, alpha=0.55, zorder=1, gid="sibling")
