"""Loss against compute for every run, coloured by model size, with the law of the frontier: the picture of Kaplan et al. 2020, figure 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.laws.extrapolation.backtests import HeldOut
from lightning_scaling.laws.frontier.frontier import FrontierFit
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.report.figures.axes import compute_axis, log_axis, new_figure, note, padded, settle
from lightning_scaling.report.figures.dots import curves, dots
from lightning_scaling.report.figures.labels import BELOW_LEFT, halo, place
from lightning_scaling.report.optima import band_over, values_over
from lightning_scaling.report.rows import RunRow, loss_name, rows
from lightning_scaling.report.sample import points_of_each, with_curves
from lightning_scaling.report.theme import Theme, drawing, size_colours, theme_of
from lightning_scaling.run.record import RunRecord
from lightning_scaling.run.thinning import log_spaced

# how far right of the last run the fitted law is drawn: what ten times the compute would bring
REACH = 10.0


def loss_against_compute(
    records: Sequence[RunRecord],
    frontier: FrontierFit | None = None,
    law: SurfaceFit | None = None,
    theme: str | Theme = "light",
    largest: HeldOut | None = None,
) -> Any:
    """A matplotlib Figure: log–log, one curve a run, FLOPs below and PF-days above.

    Args:
        records: any runs; those without points or compute are left out of the picture.
        frontier: the law of loss over compute; drawn dashed with its band, ten times beyond the last run.
        law: drawn instead where the runs identify its best split of each budget, as on the page.
        largest: the largest run as the smaller ones predict it.
    """
    look = theme_of(theme)
    drawn = [r for r in rows(records) if r.flops > 0 and np.isfinite(r.loss) and r.loss > 0]
    with drawing(look):
        figure, axes = new_figure(9.4, 5.0, look)
        if not drawn:
            note(axes, "no run has a loss and a count of its compute yet")
            axes.set(xlabel="training compute C (FLOPs)", ylabel=loss_name(records))
            return settle(figure)
        envelope = _envelope(drawn, frontier, law)
        _frame(axes, drawn, envelope, largest)
        _curves(axes, drawn, look)
        if envelope is not None:
            _fitted(axes, envelope, max(r.flops for r in drawn), look)
        if largest is not None:
            _predicted(axes, largest, look)
        _names(axes, drawn, look, [(r.flops, r.loss) for r in drawn])
        return settle(figure)


@dataclass(frozen=True, eq=False)
class _Envelope:
    flops: Any
    loss: Any
    edges: tuple[Any, Any] | None
    name: str


def _envelope(drawn: Sequence[RunRow], frontier: FrontierFit | None, law: SurfaceFit | None) -> _Envelope | None:
    ends = [r.flops for r in drawn if r.fitted] or [r.flops for r in drawn]
    grid = np.geomspace(min(ends), max(ends) * REACH, 60)
    if law is not None and law.split_identified:
        return _Envelope(grid, values_over(law, grid, "loss"), band_over(law, grid, "loss"), "best split of the fitted L(N, D)")
    if frontier is None:
        return None
    loss, low, high = frontier.expected(grid)
    return _Envelope(grid, loss, (low, high), "fitted law L(C)")


def _frame(axes: Any, drawn: Sequence[RunRow], envelope: _Envelope | None, largest: HeldOut | None) -> None:
    """Room for every end and for the law; the very start of a run, where every model is equally lost, may leave the picture."""
    flops = np.concatenate([r.record.flops[r.record.flops > 0] for r in drawn])
    losses = np.concatenate([r.record.curve.loss for r in drawn])
    losses = losses[np.isfinite(losses) & (losses > 0)]
    ends = [r.flops for r in drawn]
    right = [max(ends) if envelope is None else envelope.flops[-1]] + ([] if largest is None else [8 * largest.flops])
    lows = [losses.min()] + ([] if envelope is None else [_lowest(envelope)]) + ([] if largest is None else [largest.low])
    top = max(np.quantile(losses, 0.99), max(r.loss for r in drawn))
    compute_axis(axes, *padded([max(flops.min(), min(ends) / 300), max(right)], 0.03))
    bottom, top = padded([min(lows), top], 0.05)
    log_axis(axes.yaxis, 0.95 * bottom, top, numbers.plain, most=9)  # room for the names below the ends
    axes.set_ylabel(loss_name([r.record for r in drawn]))


def _lowest(envelope: _Envelope) -> float:
    """The end of the law, or of its band where that is not hopelessly wide."""
    edge = envelope.loss if envelope.edges is None else envelope.edges[0]
    return float(max(edge[-1], 0.8 * envelope.loss[-1]))


def _curves(axes: Any, drawn: Sequence[RunRow], look: Theme) -> None:
    thin = 1.0 if len(drawn) <= 30 else max(0.15, 30 / len(drawn))
    most, coloured = points_of_each(len(drawn)), zip(drawn, size_colours([r.params for r in drawn], look), strict=True)
    chosen = [(run, colour) for (run, colour), whole in zip(coloured, with_curves(drawn), strict=True) if whole]
    curves(axes, [_line(run, most) for run, _ in chosen], [colour for _, colour in chosen], 3, thin)
    style: dict[str, Any] = {"ms": 4 + 1.5 * thin, "mew": 1.3, "zorder": 5, "gid": "end"}
    dots(axes, drawn, [run.flops for run in drawn], [run.loss for run in drawn], look, **style)


def _line(run: RunRow, most: int) -> tuple[Any, Any]:
    flops = run.record.flops
    kept = np.flatnonzero(flops > 0)
    kept = kept[log_spaced(flops[kept], most)] if len(kept) > most else kept
    return flops[kept], run.record.curve.loss[kept]


def _fitted(axes: Any, envelope: _Envelope, seen_to: float, look: Theme) -> None:
    """Dashed where there are runs, dotted beyond them."""
    seen = envelope.flops <= seen_to
    axes.plot(envelope.flops[seen], envelope.loss[seen], color=look.accent, lw=1.6, ls=(0, (5, 2)), zorder=4, gid="frontier")
    axes.plot(envelope.flops[~seen], envelope.loss[~seen], color=look.accent, lw=1.2, ls=(0, (1.5, 2)), zorder=4)
    if envelope.edges is not None:
        axes.fill_between(envelope.flops, *envelope.edges, color=look.accent, alpha=0.16, lw=0, zorder=1, gid="band")
    under = (envelope.flops[-1], _lowest(envelope))
    axes.annotate(envelope.name, under, xytext=(0, -5), textcoords="offset points", ha="right", va="top", color=look.accent)


def _predicted(axes: Any, largest: HeldOut, look: Theme) -> None:
    bars = [[max(largest.loss - largest.low, 0)], [max(largest.high - largest.loss, 0)]]
    mark = dict(color=look.accent, mfc=look.paper, mew=1.2, ms=4.5, capsize=4, elinewidth=1.4, zorder=6)
    axes.errorbar([largest.flops], [largest.loss], yerr=bars, fmt="D", **mark)
    text = f"predicted from the\nsmaller runs: {numbers.loss(largest.loss)}\n({numbers.between(largest.low, largest.high)})"
    leader = dict(arrowstyle="-", color=look.accent, lw=0.7, shrinkB=3, relpos=(0, 0))
    style = dict(color=look.accent, fontsize=8, arrowprops=leader)
    point = (largest.flops, largest.high)
    if look.narrow:  # no room to the right of the point
        axes.annotate(text, point, xytext=(0.99, 0.86), textcoords="axes fraction", ha="right", va="top", **style)
    else:
        axes.annotate(text, point, xytext=(16, 34), textcoords="offset points", ha="left", va="bottom", **style)


def _names(axes: Any, drawn: Sequence[RunRow], look: Theme, around: Sequence[tuple[float, float]]) -> None:
    """The size at the end of the longest run of each, below the frontier where nothing else lies."""
    colours = dict(zip([r.params for r in drawn], size_colours([r.params for r in drawn], look), strict=True))
    longest = _some({r.params: r for r in drawn if r.params})
    ends = [(r.flops, r.loss) for r in longest]
    named = {numbers.count(r.params): colours[r.params] for r in longest}
    for text in place(axes, ends, list(named), BELOW_LEFT, around, fontsize=8.5, fontweight="bold"):
        text.set_color(named[text.get_text()])
        halo(text, look)
    words = "colour and label: parameters N\nfilled end: finished · open: not"
    axes.text(0.99, 0.97, words, transform=axes.transAxes, ha="right", va="top", color=look.muted, fontsize=8)


def _some(longest: dict[int | None, RunRow]) -> list[RunRow]:
    """At most sixteen runs to name, no two of them written alike, the largest among them."""
    largest = list({numbers.count(n): run for n, run in longest.items()}.values())
    kept = np.unique(np.linspace(0, len(largest) - 1, min(len(largest), 16)).round().astype(int))
    return [largest[k] for k in kept]
