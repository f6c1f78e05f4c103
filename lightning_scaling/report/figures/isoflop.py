"""IsoFLOP curves: the loss at a fixed budget over model size, too small a model on the left, too few tokens on the right (Hoffmann et al.
2022, figure 3). Runs lie on the curve of their own budget."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.report.figures.axes import log_axis, new_figure, note, padded, settle
from lightning_scaling.report.figures.dots import MANY
from lightning_scaling.report.figures.labels import halo, place
from lightning_scaling.report.rows import RunRow, loss_name, rows
from lightning_scaling.report.theme import Theme, drawing, size_colours, theme_of
from lightning_scaling.run.record import RunRecord

# budgets closer than this factor share a curve
_SAME = 1.3
_MOST = 6


def isoflop_curves(records: Sequence[RunRecord], law: SurfaceFit, theme: str | Theme = "light") -> Any:
    """A matplotlib Figure: L(N, C/kN) of the law for the budgets of the runs, the minimum of each marked."""
    look = theme_of(theme)
    ended = [r for r in rows(records) if r.fitted]
    with drawing(look):
        figure, axes = new_figure(4.7, 4.1, look)
        axes.set(xlabel="parameters N", ylabel=loss_name(records))
        if not ended:
            note(axes, "no finished run yet")
            return settle(figure)
        _curves(axes, ended, budgets(ended), law, look)
        return settle(figure)


def budgets(ended: Sequence[RunRow]) -> list[float]:
    """Up to six budgets that runs were spent on, runs of nearly equal compute sharing one."""
    groups: list[list[float]] = []
    for flops in sorted(r.flops for r in ended):
        if groups and flops < _SAME * groups[-1][0]:
            groups[-1].append(flops)
        else:
            groups.append([flops])
    centres = [float(np.exp(np.mean(np.log(group)))) for group in groups]
    kept = np.unique(np.linspace(0, len(centres) - 1, min(_MOST, len(centres))).round().astype(int))
    return [centres[k] for k in kept]


def _curves(axes: Any, ended: Sequence[RunRow], spent: Sequence[float], law: SurfaceFit, look: Theme) -> None:
    best = [law.optimum(c) for c in spent]
    low, high = padded([*(b.params for b in best), *(float(r.params or np.nan) for r in ended)], 0.25)
    sizes = np.geomspace(low, high, 120)
    drawn = [np.asarray(law.predict(sizes, c / (law.flops_per * sizes))) for c in spent]
    colours = size_colours(spent, look)
    for loss, colour in zip(drawn, colours, strict=True):
        axes.plot(sizes, loss, color=colour, lw=1.4, zorder=2)
    points = [(float(b.params), float(b.loss)) for b in best]
    axes.plot(*zip(*points, strict=True), "D", ls=(0, (4, 2)), lw=1, color=look.accent, mfc=look.paper, ms=5, zorder=3, gid="minima")
    _runs(axes, ended, spent, colours)
    log_axis(axes.xaxis, low, high, numbers.count, most=5)
    lowest, highest = min(p[1] for p in points), max(p[1] for p in points)
    log_axis(axes.yaxis, *padded([lowest, max(highest * 1.08, *(r.loss for r in ended))], 0.1), most=8)
    around = points + [(float(r.params or np.nan), r.loss) for r in ended[:MANY]]
    texts = [f"{numbers.scientific(c)} FLOPs" for c in spent]
    for text in place(axes, points, texts, ((0, -6, "center", "top"), (0, 6, "center", "bottom")), around, fontsize=7.5):
        text.set_color(look.muted)
        halo(text, look)


def _runs(axes: Any, ended: Sequence[RunRow], spent: Sequence[float], colours: Sequence[Any]) -> None:
    """The ends of the runs whose budget has a curve."""
    logs = np.log(spent)
    of_run = np.log([run.flops for run in ended])
    nearest = np.abs(logs[:, None] - of_run).argmin(axis=0)
    near = np.abs(logs[nearest] - of_run) < np.log(_SAME)
    kept = [(run, colours[k]) for run, k, is_near in zip(ended, nearest, near, strict=True) if is_near]
    many = len(kept) > MANY
    x, y, inks = [float(run.params or 0) for run, _ in kept], [run.loss for run, _ in kept], [colour for _, colour in kept]
    axes.scatter(x, y, c=inks, s=9 if many else 25, zorder=4, rasterized=many, gid="run")
