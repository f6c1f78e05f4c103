"""One panel a run: its curve, the forecast of its end as it was made on the way, and where it ended.

The ribbon at a token count is the interval forecast for the END of the run at that moment: it narrows during the run, and should
hold the line of the observed loss.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.report.figures.axes import new_figure, note, settle
from lightning_scaling.report.rows import RunRow, loss_name, row, rows
from lightning_scaling.report.theme import Theme, drawing, size_colours, theme_of
from lightning_scaling.run.at_half import reached
from lightning_scaling.run.record import Prediction, RunRecord

# the first twentieth of a run falls so steeply that it would flatten everything after it
_SKIPPED = 0.05


def run_panel(record: RunRecord, theme: str | Theme = "light", colour: Any = None, size: tuple[float, float] = (3.7, 2.7)) -> Any:
    """A matplotlib Figure of one run, `size` in inches: loss over tokens with the forecasts of its end."""
    look = theme_of(theme)
    with drawing(look):
        figure, axes = new_figure(*size, look)
        _panel(axes, row(record), look, colour or size_colours([record.curve.params], look)[0])
        return settle(figure)


def all_panels(records: Sequence[RunRecord], theme: str | Theme = "light", most: int = 12) -> Any:
    """A matplotlib Figure with a panel each for the `most` largest runs, the smallest first."""
    look, shown = theme_of(theme), rows(records)[-most:]
    columns = min(3, max(len(shown), 1))
    lines = -(-len(shown) // columns) or 1
    with drawing(look):
        figure, grid = new_figure(3.7 * columns, 2.7 * lines, look, nrows=lines, ncols=columns, squeeze=False)
        for axes, run, colour in zip(grid.flat, shown, size_colours([r.params for r in shown], look), strict=False):
            _panel(axes, run, look, colour)
            axes.set_title(title(run))
        for axes in grid.flat[max(len(shown), 1) :]:
            axes.set_axis_off()
        if not shown:
            note(grid[0, 0], "no runs yet")
        return settle(figure)


def title(run: RunRow) -> str:
    """Size and verdict; a run's own name may hold anything, so pictures do not carry it.

    >>> from lightning_scaling import Curve
    >>> title(row(RunRecord("k", Curve([1e6], [2.0], params=1_300_000), np.ones(1))))
    '1.3M parameters'
    """
    size = f"{numbers.count(run.params)} parameters" if run.params else "size unknown"
    return f"{size} · {run.verdict}" if run.verdict else size


def _panel(axes: Any, run: RunRow, look: Theme, colour: Any) -> None:
    curve = run.record.curve
    seen = np.isfinite(curve.loss)
    axes.set(xlabel="tokens seen", ylabel=loss_name([run.record]))
    if not seen.any():
        note(axes, "no finite loss was recorded")
        return
    made = [p for p in run.record.predictions if np.isfinite([p.loss, p.low, p.high]).all()]
    end = max(run.record.planned_tokens or 0, run.tokens)
    _ribbon(axes, made, look)
    axes.plot(curve.tokens[seen], curve.loss[seen], color=colour, zorder=3, gid="curve")
    axes.plot(run.tokens, run.loss, "o", color=colour, mfc=colour if run.fitted else look.paper, ms=5, zorder=5)
    _frame(axes, run, made, end)
    if run.forecast is not None:
        _at_half(axes, run, run.forecast, look)


def _ribbon(axes: Any, made: Sequence[Prediction], look: Theme) -> None:
    if not made:
        return
    at = [p.tokens for p in made]
    axes.fill_between(at, [p.low for p in made], [p.high for p in made], color=look.accent, alpha=0.2, lw=0, zorder=1, gid="ribbon")
    axes.plot(at, [p.loss for p in made], color=look.accent, lw=1.1, ls=(0, (4, 2)), zorder=2)
    style = dict(textcoords="offset points", color=look.accent, fontsize=7.5, va="top")
    axes.annotate("forecast of the end, as made on the way", (at[0], made[0].low), xytext=(0, -3), **style)


def _frame(axes: Any, run: RunRow, made: Sequence[Prediction], end: float) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    curve = run.record.curve
    late = curve.loss[(curve.tokens >= min(_SKIPPED * end, run.tokens)) & np.isfinite(curve.loss)]
    late = late if len(late) else np.array([run.loss])
    low = min([late.min(), *(p.low for p in made[len(made) // 3 :])])
    room = 0.06 * (late.max() - low) or 0.05 * abs(low) or 0.05
    axes.set(xlim=(0, 1.03 * end), ylim=(low - 3 * room, late.max() + room))
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: numbers.count(value)))
    axes.yaxis.set_major_locator(MaxNLocator(6))


def _at_half(axes: Any, run: RunRow, forecast: Prediction, look: Theme) -> None:
    """The forecast made at half, as an error bar at the end it was made for, in words where the curve leaves room."""
    bar = [[max(forecast.loss - forecast.low, 0)], [max(forecast.high - forecast.loss, 0)]]
    mark = dict(color=look.accent, mfc=look.paper, mew=1.2, ms=4.5, capsize=4, elinewidth=1.2, zorder=4)
    axes.errorbar([forecast.at], [forecast.loss], yerr=bar, fmt="D", clip_on=False, **mark)
    axes.hlines(forecast.loss, forecast.tokens, forecast.at, color=look.accent, lw=0.7, ls=":", zorder=1)
    axes.plot(forecast.tokens, forecast.loss, "D", color=look.accent, mfc=look.paper, mew=1.2, ms=4.5, zorder=4)
    pad = dict(facecolor=look.paper, edgecolor="none", pad=2)
    axes.text(0.98, 0.96, _text(run, forecast), transform=axes.transAxes, ha="right", va="top", fontsize=8, linespacing=1.4, bbox=pad)


def _text(run: RunRow, forecast: Prediction) -> str:
    share = forecast.tokens / forecast.at
    text = f"forecast at {100 * share:.0f} %: {numbers.loss(forecast.loss)} ({numbers.between(forecast.low, forecast.high)})"
    if not reached(run.record, forecast):
        return f"{text}\nat {numbers.count(run.tokens)} now: {numbers.loss(run.loss)}"
    return f"{text}\nobserved: {numbers.loss(run.loss)}, off by {numbers.percent(run.error)}"
