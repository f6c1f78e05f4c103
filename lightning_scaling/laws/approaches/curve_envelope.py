"""Approach 1 of Hoffmann et al. 2022 (section 3.1): the lower envelope of the loss curves of all sizes over compute.

At each compute the curve with the lowest loss gives N* and D*; a line in logs gives the exponents. Curves that ended before their
learning rate had decayed lie too high, so each size should end at several lengths. Where the lowest curve belongs to the smallest or the
largest size the optimum may lie beyond it, and such points are left out of the line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.approaches.growth import Growth, resampled_line

POINTS = 200  # of the grid of compute
DISTINCT = 10  # resampled slopes; fewer give no interval
WORDY = 1000.0  # times the compute, from which on powers of ten are written
# A curve in its first hundredth, where the rate still warms up, says little of its size.
WARM = 0.01


@dataclass(frozen=True, eq=False)
class Envelope:
    """The envelope on a grid of compute.

    Args:
        flops, loss, params: (k,) compute, lowest loss there and the size that reaches it.
        inner: (k,) True where neither the smallest nor the largest size wins.
        growth: N* ∝ C^a through the inner points, None where fewer than two sizes win there; `because` states it.
    """

    flops: Floats
    loss: Floats
    params: Floats
    inner: Any
    growth: Growth | None
    because: str = ""


def envelope(curves: Sequence[Any], level: float = 0.9, resamples: int = 1000, seed: int | None = 0) -> Envelope:
    """The envelope of curves (Curve or RunRecord, each with params); sizes are resampled for the interval of the exponent.

    The answer does not depend on the order of the curves.
    """
    runs = sorted((run for run in map(_run, curves) if len(run[0]) >= 2), key=lambda run: (run[2], run[0][-1], run[1][-1]))
    if len({run[2] for run in runs}) < 2:
        raise ValueError("an envelope needs curves of at least two sizes, each with two points or more and its params")
    grid = np.geomspace(min(r[0][0] for r in runs), max(r[0][-1] for r in runs), POINTS)
    sizes, heights = _by_size(runs, grid)
    seen = np.isfinite(heights).any(0)
    grid, heights = grid[seen], heights[:, seen]
    winner = sizes[heights.argmin(0)]
    inner = (winner > sizes.min()) & (winner < sizes.max())
    growth, because = _growth(grid, winner, inner, level, _slopes(grid, heights, sizes, resamples, seed))
    because += _warm(runs, grid[inner], winner[inner]) + _interior(runs, growth)
    return Envelope(grid, heights.min(0), winner, inner, growth, because)


def _by_size(runs: Sequence[tuple[Floats, Floats, float]], grid: Floats) -> tuple[Floats, Floats]:
    """Sizes (s,) and the lowest loss (s, g) that any curve of each reaches on the grid of compute, inf where none is."""
    heights = np.stack([np.interp(np.log(grid), np.log(c), loss, left=np.inf, right=np.inf) for c, loss, _ in runs])
    sizes, which = np.unique([run[2] for run in runs], return_inverse=True)
    return sizes, np.stack([heights[which == k].min(0) for k in range(len(sizes))])


def _warm(runs: Sequence[tuple[Floats, Floats, float]], grid: Floats, winner: Floats) -> str:
    """How many of the points that place the line lie in the first hundredth of the longest curve of their size."""
    ends = {size: max(float(run[0][-1]) for run in runs if run[2] == size) for size in {run[2] for run in runs}}
    early = sum(flops < WARM * ends[size] for flops, size in zip(grid.tolist(), winner.tolist(), strict=True))
    return f", {100 * early / len(grid):.0f} % of the points in the first hundredth of a curve" if early else ""


def _interior(runs: Sequence[tuple[Floats, Floats, float]], growth: Growth | None) -> str:
    """What the points before the ends of the curves do to the exponent, where each size ends at several lengths."""
    ends: dict[float, list[tuple[float, float]]] = {}
    for compute, loss, size in runs:
        ends.setdefault(size, []).append((float(compute[-1]), float(loss[-1])))
    finished = [(np.array(sorted(v)).T, size) for size, v in ends.items() if len(v) >= 2]
    warning = "; points before the end of a curve, where its learning rate has not decayed, lie too high and bias a"
    if growth is None or len(finished) < 4:
        return warning + ": train each size to several lengths to see by how much" if growth else ""
    grid = np.geomspace(min(e[0][0] for e, _ in finished), max(e[0][-1] for e, _ in finished), 200)
    sizes, heights = _by_size([(e[0], e[1], size) for e, size in finished], grid)
    seen = np.isfinite(heights).any(0)
    winner = sizes[heights[:, seen].argmin(0)]
    inner = (winner > sizes.min()) & (winner < sizes.max())
    if len(np.unique(winner[inner])) < 2:
        return warning
    slope = np.polyfit(np.log(grid[seen][inner]), np.log(winner[inner]), 1)[0]
    return f"{warning}: {growth.N_exponent - slope:+.3f} here (a = {slope:.3f} by the ends alone)"


def _run(each: Any) -> tuple[Floats, Floats, float]:
    curve = getattr(each, "curve", each)
    if curve.params is None:
        raise ValueError("an envelope needs the params of each curve")
    flops = np.asarray(getattr(each, "flops", None) if each is not curve else curve.flops, dtype=np.float64)
    sound = np.isfinite(curve.loss)
    return flops[sound], curve.loss[sound], float(curve.params)


def _slopes(grid: Floats, heights: Floats, sizes: Floats, resamples: int, seed: int | None) -> Floats:
    """Slopes of the envelope of resampled sizes; all curves of a size are drawn together."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(resamples):
        drawn = np.unique(rng.integers(len(sizes), size=len(sizes)))
        some = np.isfinite(heights[drawn]).any(0)
        winner = sizes[drawn][heights[drawn].argmin(0)]
        inner = some & (winner > sizes[drawn].min()) & (winner < sizes[drawn].max())
        if len(np.unique(winner[inner])) >= 2:
            found.append(np.polyfit(np.log(grid[inner]), np.log(winner[inner]), 1)[0])
    return np.array(found)


def _growth(grid: Floats, winner: Floats, inner: Any, level: float, slopes: Floats) -> tuple[Growth | None, str]:
    sizes = len(np.unique(winner[inner]))
    if sizes < 2:
        return None, f"only {sizes} size(s) between the smallest and the largest ever lead: add sizes, or longer runs of the larger ones"
    span = float(grid[inner][-1] / grid[inner][0])
    grows = f"{span:.0f} times" if span < WORDY else f"by {np.log10(span):.1f} powers of ten"
    because = f"{sizes} sizes lead in turn while compute grows {grows}"
    if len(np.unique(slopes.round(6))) < DISTINCT:
        slopes, because = np.array([]), f"{because}, too few to resample for an interval"
    return resampled_line(grid[inner], winner[inner], level, slopes), because
