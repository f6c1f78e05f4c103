"""What the law leaves unexplained: observed against fitted loss of each finished run, in percent."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.arrays import robust_spread
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.report.figures.axes import log_axis, new_figure, note, padded, settle
from lightning_scaling.report.figures.dots import MANY, dots
from lightning_scaling.report.figures.labels import place
from lightning_scaling.report.rows import rows
from lightning_scaling.report.theme import Theme, drawing, size_colours, theme_of
from lightning_scaling.run.record import RunRecord

_NAMED = 40  # runs, those furthest off


def residuals(records: Sequence[RunRecord], law: SurfaceFit, theme: str | Theme = "light") -> Any:
    """A matplotlib Figure: 100·(observed/fitted − 1) over compute; the shaded band is one robust standard deviation."""
    look = theme_of(theme)
    ended = [r for r in rows(records) if r.fitted]
    with drawing(look):
        figure, axes = new_figure(9.4, 2.5, look)
        axes.set(xlabel="training compute C (FLOPs)", ylabel="observed against law (%)")
        if not ended:
            note(axes, "no finished run yet")
            return settle(figure)
        expected = law.predict(np.array([float(r.params or 0) for r in ended]), np.array([r.tokens for r in ended]))
        off = 100 * (np.array([r.loss for r in ended]) / expected - 1)
        spread = robust_spread(off)
        axes.axhspan(-spread, spread, color=look.accent, alpha=0.12, lw=0)
        axes.axhline(0, color=look.accent, lw=1.2, ls=(0, (5, 2)))
        flops = [r.flops for r in ended]
        if len(ended) <= MANY:
            axes.vlines(flops, 0, off, color=size_colours([r.params for r in ended], look), lw=1)
        dots(axes, ended, flops, off, look, ms=5.5, gid="run")
        reach = max(1.35 * np.abs(off).max(), 0.1)
        axes.set_ylim(-reach, reach)
        log_axis(axes.xaxis, *padded(flops, 0.05), numbers.scientific)
        worst = np.argsort(-np.abs(off))[:_NAMED]
        labels = [numbers.count(ended[k].params) for k in worst]
        points = [(flops[k], float(off[k])) for k in worst]
        place(axes, points, labels, ((6, 0, "left", "center"), (-6, 0, "right", "center")), points, fontsize=7.5, color=look.muted)
        return settle(figure)
