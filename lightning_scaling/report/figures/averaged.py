"""The measured annealed loss of one run: the loss of its last weights over tokens, and that of an average of recent weights below it.

The distance is what annealing brings: large while the learning rate is high, gone once it has decayed.
"""

from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.report.averaged import averaged_of
from lightning_scaling.report.figures.axes import log_axis, new_figure, note, padded, settle
from lightning_scaling.report.rows import loss_name
from lightning_scaling.report.theme import Theme, drawing, size_colours, theme_of
from lightning_scaling.run.record import RunRecord

_SKIPPED = 0.05  # of the tokens: the fall before that would flatten everything after it


def averaged_panel(record: RunRecord, theme: str | Theme = "light", size: tuple[float, float] = (6.4, 3.0)) -> Any:
    """A matplotlib Figure of one run, `size` in inches."""
    look = theme_of(theme)
    with drawing(look):
        figure, axes = new_figure(*size, look)
        draw_averaged(axes, record, look)
        return settle(figure)


def draw_averaged(axes: Any, record: RunRecord, look: Theme) -> None:
    """Both losses on `axes`, over tokens."""
    pairs, curve = averaged_of(record.curve), record.curve
    axes.set(xlabel="tokens seen", ylabel=loss_name([record]))
    if pairs is None:
        return note(axes, "the loss of averaged weights was not measured")
    first = min(_SKIPPED * curve.tokens[-1], float(pairs.tokens[-1]))
    shown, later = np.isfinite(curve.loss) & (curve.loss > 0) & (curve.tokens >= first), pairs.tokens >= first
    colour = size_colours([curve.params], look)[0]
    axes.plot(curve.tokens[shown], curve.loss[shown], color=colour, zorder=3, gid="curve", label="last weights")
    style = dict(color=look.accent, marker="o", ms=4, mfc=look.paper, ls=(0, (4, 2)), lw=1.3, zorder=4, gid="averaged")
    axes.plot(pairs.tokens[later], pairs.averaged[later], label="average of recent ones", **style)
    log_axis(axes.xaxis, *padded(curve.tokens[shown]), write=numbers.count)
    log_axis(axes.yaxis, *padded(np.r_[curve.loss[shown], pairs.averaged[later]], 0.12), numbers.plain, most=8)
    axes.legend(loc="upper right", frameon=False, fontsize=8.5, labelcolor=[colour, look.accent])
