"""How to spend a budget: N_opt and D_opt against compute by the fitted law, with its band, beside published laws and the runs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.laws.capabilities import AllocationLaw
from lightning_scaling.laws.presets.presets import Preset
from lightning_scaling.report.figures.axes import log_axis, new_figure, note, padded, settle
from lightning_scaling.report.figures.dots import dots
from lightning_scaling.report.figures.labels import name_ends
from lightning_scaling.report.optima import band_over, law_name, values_over
from lightning_scaling.report.rows import RunRow, rows
from lightning_scaling.report.theme import Theme, drawing, theme_of
from lightning_scaling.run.record import RunRecord

_SIDES = (("params", "compute-optimal parameters N_opt"), ("tokens", "compute-optimal tokens D_opt"))


def optimal_allocation(
    records: Sequence[RunRecord], law: AllocationLaw, theme: str | Theme = "light", presets: Sequence[Preset] = ()
) -> Any:
    """A matplotlib Figure of two panels over compute; presets that place no optimum are left out."""
    look = theme_of(theme)
    drawn = [r for r in rows(records) if r.params and r.flops > 0]
    with drawing(look):
        figure, sides = new_figure(9.4, 4.3, look, panels=2)
        for axes, (quantity, label) in zip(sides, _SIDES, strict=True):
            axes.set(xlabel="training compute C (FLOPs)", ylabel=label)
            if drawn:
                _side(axes, drawn, law, presets, quantity, look)
            else:
                note(axes, "the size and compute of no run are known yet")
        return settle(figure)


def _side(axes: Any, drawn: Sequence[RunRow], law: AllocationLaw, presets: Sequence[Preset], quantity: str, look: Theme) -> None:
    ends = [r.flops for r in drawn]
    grid = np.geomspace(min(ends), 10 * max(ends), 40)
    own = values_over(law, grid, quantity)
    edges = band_over(law, grid, quantity)
    beside = _published(presets, grid, quantity)
    have = [float(r.params or 0) if quantity == "params" else r.tokens for r in drawn]
    bounds = [] if edges is None else [max(edges[0].min(), own.min() / 10), min(edges[1].max(), own.max() * 10)]
    log_axis(axes.xaxis, grid[0] / 1.6, grid[-1] * 1.1, numbers.scientific, most=4)
    log_axis(axes.yaxis, *padded([*own, *have, *bounds, *(v for line in beside.values() for v in line)], 0.05), numbers.count, most=6)
    for line in beside.values():
        axes.plot(grid, line, color=look.muted, lw=0.9, zorder=2)
    if edges is not None:
        axes.fill_between(grid, *edges, color=look.accent, alpha=0.18, lw=0, zorder=1, gid="band")
    seen = grid <= max(ends)
    axes.plot(grid[seen], own[seen], color=look.accent, lw=1.8, ls=(0, (5, 2)), zorder=4, gid="optimum")
    axes.plot(grid[~seen], own[~seen], color=look.accent, lw=1.4, ls=(0, (1.5, 2)), zorder=4)
    dots(axes, drawn, ends, have, look, ms=4.5, zorder=3, gid="run")
    _names(axes, grid[-1], {**{name: float(line[-1]) for name, line in beside.items()}, law_name(law): float(own[-1])}, look)


def _names(axes: Any, end: float, lines: dict[str, float], look: Theme) -> None:
    """Each line named at its end; the fitted law, the last of them, in its colour."""
    texts = name_ends(
        axes,
        end,
        list(lines.values()),
        [numbers.shortened(name.removesuffix(" allocation"), 22) for name in lines],
        fontsize=7.5,
        color=look.muted,
    )
    texts[-1].set(color=look.accent, fontweight="bold")


def _published(presets: Sequence[Preset], grid: Any, quantity: str) -> dict[str, Any]:
    return {law_name(each): values_over(each, grid, quantity) for each in presets if each.split_identified}
