"""A run that needs a look, in one picture: the run over compute with the runs of its size in grey, beside it its family's collapse.

What is known decides the panels: the collapse where siblings can be compared with, the measured annealed loss where it was measured.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.advice.family import FamilyReading
from lightning_scaling.report.averaged import averaged_of
from lightning_scaling.report.figures.averaged import draw_averaged
from lightning_scaling.report.figures.axes import log_axis, new_figure, padded, settle
from lightning_scaling.report.figures.collapse import draw_collapse
from lightning_scaling.report.figures.power_law import draw_power_law
from lightning_scaling.report.rows import RunRow
from lightning_scaling.report.sample import points_of_each
from lightning_scaling.report.theme import Theme, drawing, theme_of
from lightning_scaling.run.thinning import log_spaced

_SIBLINGS = 12


def ill_panels(run: RunRow, runs: Sequence[RunRow], reading: FamilyReading | None = None, theme: str | Theme = "light") -> Any:
    """A matplotlib Figure of one to three panels; `runs` are all, for those of equal size, `reading` its departure from its family."""
    look = theme_of(theme)
    collapse, averaged = reading is not None and len(reading.x) > 0, averaged_of(run.record.curve) is not None
    panels = 1 + collapse + averaged
    with drawing(look):
        figure, grid = new_figure(9.4 if panels > 1 else 5.6, 2.7, look, panels, squeeze=False)
        axes = iter(grid.flat)
        _loss(next(axes), run, runs, look)
        if collapse:
            draw_collapse(next(axes), reading, look)
        if averaged:
            draw_averaged(next(axes), run.record, look)
        return settle(figure)


def of_its_size(run: RunRow, runs: Sequence[RunRow]) -> list[RunRow]:
    """Finished runs of equal size, at most twelve."""
    return [other for other in runs if other is not run and other.fitted and other.params == run.params][:_SIBLINGS]


def _loss(axes: Any, run: RunRow, runs: Sequence[RunRow], look: Theme) -> None:
    """The run with its power law; finished runs of the same size, as a measure."""
    others = of_its_size(run, runs)
    for other in others:
        flops, loss = other.record.flops, other.record.curve.loss
        kept = np.flatnonzero(np.isfinite(loss) & (loss > 0) & (flops > 0))
        kept = kept[log_spaced(flops[kept], points_of_each(1))]
        axes.plot(flops[kept], loss[kept], color=look.muted, lw=0.8, alpha=0.55, zorder=1, gid="sibling")
    draw_power_law(axes, run.record, look, colour=look.ink, words=False)
    if others:
        _room(axes, others)


def _room(axes: Any, others: Sequence[RunRow]) -> None:
    """Room for the ends of the runs beside it too: how far the run is above them is what is looked for."""
    drawn = axes.get_xscale() == "log"  # not so where the run itself has no finite point
    (left, right), (low, high) = (axes.get_xlim(), axes.get_ylim()) if drawn else (_span(others, "flops"), _span(others, "loss"))
    log_axis(axes.xaxis, left, max(right, 1.15 * max(other.flops for other in others)), numbers.scientific, most=4)
    log_axis(axes.yaxis, min(low, 0.97 * min(other.loss for other in others)), high, numbers.plain, most=8)


def _span(others: Sequence[RunRow], name: str) -> tuple[float, float]:
    values = np.concatenate([other.record.flops if name == "flops" else other.record.curve.loss for other in others])
    return padded(values, 0.12)
