"""A run on its family's collapse: its loss over the loss that its siblings had at the same share of their budgets, in percent.

Loss curves of one family collapse onto one curve (Qiu et al. 2025, arXiv 2507.02119): siblings lie about a level line, each against
the others, and a run that is ill leaves it.
"""

from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.advice.family import FamilyReading
from lightning_scaling.report.figures.axes import new_figure, note, settle
from lightning_scaling.report.theme import Theme, drawing, theme_of

_LEAST = 0.01  # of the loss: the axis reaches so far above and below, or noise would fill it


def collapse_panel(reading: FamilyReading, theme: str | Theme = "light", size: tuple[float, float] = (6.4, 2.8)) -> Any:
    """A matplotlib Figure of one run against its family, `size` in inches."""
    look = theme_of(theme)
    with drawing(look):
        figure, axes = new_figure(*size, look)
        draw_collapse(axes, reading, look)
        return settle(figure)


def draw_collapse(axes: Any, reading: FamilyReading | None, look: Theme) -> None:
    """The run, its siblings and the begin of a departure on `axes`."""
    axes.set(xlabel="share of the token budget", ylabel="loss above its family")
    if reading is None or not len(reading.x):
        return note(axes, "no finished run of its family\ncan be compared with this one")
    above = np.expm1(reading.r)
    axes.axhline(0, color=look.muted, lw=0.9, zorder=1)
    for each in reading.drift:
        axes.plot(reading.x, np.expm1(each), color=look.muted, lw=1.0, alpha=0.7, zorder=2, gid="sibling")
    axes.plot(reading.x, above, color=look.accent if reading.departs else look.ink, lw=1.8, zorder=4, gid="run")
    if np.isfinite(reading.since):
        _since(axes, reading.since, look)
    _frame(axes, np.r_[above, np.expm1(reading.drift[np.isfinite(reading.drift)])])


def _since(axes: Any, since: float, look: Theme) -> None:
    axes.axvline(since, color=look.accent, lw=0.9, ls=":", zorder=2, gid="since")
    side = "right" if since > 0.5 else "left"
    text = f"since {numbers.share(since)}"
    style = dict(xycoords=("data", "axes fraction"), textcoords="offset points", color=look.accent, fontsize=8, va="top")
    axes.annotate(text, (since, 0.98), xytext=(-4 if side == "right" else 4, 0), ha=side, **style)


def _frame(axes: Any, shown: Any) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    low, high = min(float(shown.min()), -_LEAST), max(float(shown.max()), _LEAST)
    room = 0.12 * (high - low)
    axes.set(xlim=(0, 1.02), ylim=(low - room, high + room))
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:+.3g} %".replace("-", "−") if value else "0"))
