"""Axes as people read them: log scales with round numbers on them, units in every label."""

from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.report.theme import Theme
from lightning_scaling.units import FLOPS_PER_PF_DAY

_STEPS = ((1.0,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9))


NARROW = 4.1  # inches: text of a phone's picture is then as large as beside it


def new_figure(width: float, height: float, look: Theme, panels: int = 1, **grid: Any) -> tuple[Any, Any]:
    """A figure that no global list of figures knows, with its axes; inches. `panels` are side by side, for a phone below each other.

    Returns:
        The figure, and its axes: one, or an array of them where there are several panels or a `grid` was asked for.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    stacked = look.narrow and panels > 1
    size = (min(width, NARROW), height * (panels if stacked else 1)) if look.narrow else (width, height)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(**{"nrows" if stacked else "ncols": panels, **grid})


def settle(figure: Any) -> Any:
    """The figure with its layout done once and for all: saving it then costs one drawing instead of three."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure


def log_axis(axis: Any, low: float, high: float, write: Any = numbers.plain, most: int = 7) -> None:
    """Makes `axis` logarithmic over [low, high] with up to `most` round ticks written by `write`."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    set_scale, set_limits = (getattr(axis.axes, f"set_{axis.axis_name}{what}") for what in ("scale", "lim"))
    set_scale("log")
    set_limits(low, high)
    axis.set_major_locator(FixedLocator(round_numbers(low, high, most)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))


def round_numbers(low: float, high: float, most: int) -> list[float]:
    """Round numbers within [low, high], as many as fit in `most`: powers of ten first, finer steps where the range is short.

    >>> round_numbers(0.9, 120, 6)
    [1.0, 3.0, 10.0, 30.0, 100.0]
    >>> round_numbers(1.3, 5.2, 6)
    [1.5, 2.0, 3.0, 5.0]
    >>> round_numbers(2e9, 4e11, 4)
    [10000000000.0, 100000000000.0]
    """
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    choices = [[float(f"{m}e{d}") for d in decades for m in steps] for steps in _STEPS]
    inside = [[v for v in choice if low * (1 - 1e-9) <= v <= high * (1 + 1e-9)] for choice in choices]
    fitting = [choice for choice in inside if len(choice) <= most]
    if len(fitting[-1] if fitting else []) >= (2 if high > 20 * low else 3):
        return fitting[-1]
    if len(inside[0]) > most:
        return inside[0][:: int(np.ceil(len(inside[0]) / most))]
    return _linear(low, high, most)


def _linear(low: float, high: float, most: int) -> list[float]:
    """For a range too short for log steps: even, round steps."""
    rough = (high - low) / max(most - 1, 1)
    size = 10.0 ** np.floor(np.log10(rough))
    step = next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= rough)
    return [float(f"{k * step:.10g}") for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def compute_axis(axes: Any, low: float, high: float) -> None:
    """FLOPs below, the same in PF-days above."""
    log_axis(axes.xaxis, low, high, numbers.scientific)
    axes.set_xlabel("training compute C (FLOPs)")
    above = axes.twiny()
    above.grid(False)
    log_axis(above.xaxis, low / FLOPS_PER_PF_DAY, high / FLOPS_PER_PF_DAY, numbers.scientific)
    above.set_xlabel("PF-days")
    above.spines["top"].set_visible(True)


def padded(values: Any, share: float = 0.06) -> tuple[float, float]:
    """The range of positive values on a log axis, widened by `share` of itself at both ends; (1, 10) for none."""
    kept = np.asarray(values, dtype=float)
    kept = kept[np.isfinite(kept) & (kept > 0)]
    if not len(kept):
        return 1.0, 10.0
    low, high = np.log(kept.min()), np.log(kept.max())
    room = max(share * (high - low), 0.02)
    return float(np.exp(low - room)), float(np.exp(high + room))


def note(axes: Any, text: str) -> None:
    """A picture with nothing to show states it in the middle."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=axes.xaxis.label.get_color())
