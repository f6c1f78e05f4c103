"""The landscape L(N, D): contours of equal loss over size and data, the runs in it, and the efficient frontier through it."""

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


def loss_contour(records: Sequence[RunRecord], law: SurfaceFit, theme: str | Theme = "light") -> Any:
    """A matplotlib Figure: N across, D up, lines of equal loss, and the best N and D up to ten times the largest run's compute."""
    look = theme_of(theme)
    drawn = [r for r in rows(records) if r.params and r.tokens > 0]
    with drawing(look):
        figure, axes = new_figure(4.7, 4.1, look)
        axes.set(xlabel="parameters N", ylabel="training tokens D")
        if not drawn:
            note(axes, "the size and tokens of no run are known yet")
            return settle(figure)
        flops = [r.flops for r in drawn if r.flops > 0] or [law.flops_per * (r.params or 1) * r.tokens for r in drawn]
        best = [law.optimum(float(c)) for c in np.geomspace(min(flops), 10 * max(flops), 30)]
        frontier = np.array([[b.params for b in best], [b.tokens for b in best]])
        _landscape(axes, drawn, frontier, law, look)
        _frontier(axes, frontier, look)
        return settle(figure)


def _landscape(axes: Any, drawn: Sequence[RunRow], frontier: Any, law: SurfaceFit, look: Theme) -> None:
    (left, right), (bottom, top) = (padded([*frontier[k], *have], 0.08) for k, have in enumerate(_ends(drawn)))
    log_axis(axes.xaxis, left, right, numbers.count, most=5)
    log_axis(axes.yaxis, bottom, top, numbers.count, most=6)
    sizes, tokens = np.meshgrid(np.geomspace(left, right, 60), np.geomspace(bottom, top, 60))
    loss = law.predict(sizes, tokens)
    levels = np.unique([float(f"{v:.3g}") for v in np.quantile(loss, np.linspace(0.03, 0.95, 9))])
    lines = axes.contour(sizes, tokens, loss, levels=levels, colors=[look.muted], linewidths=0.8, alpha=0.8)
    for text in axes.clabel(lines, fmt=numbers.plain, fontsize=7.5):
        halo(text, look)
    dots(axes, drawn, *_ends(drawn), look, ms=5.5, mew=1.3, zorder=4, gid="run")


def _ends(drawn: Sequence[RunRow]) -> tuple[list[float], list[float]]:
    return [float(r.params or np.nan) for r in drawn], [r.tokens for r in drawn]


def _frontier(axes: Any, frontier: Any, look: Theme) -> None:
    axes.plot(*frontier, color=look.accent, ls=(0, (5, 2)), lw=1.5, zorder=3, gid="frontier")
    end = (frontier[0][-1], frontier[1][-1])
    style = dict(textcoords="offset points", ha="right", va="center", color=look.accent, zorder=5)
    halo(axes.annotate("efficient frontier", end, xytext=(-9, 1), **style), look)
