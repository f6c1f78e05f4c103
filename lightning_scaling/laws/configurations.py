"""Runs that repeat one (N, D) are one configuration: seeds are averaged, of a hyper-parameter sweep the best run counts.

A sweep over the learning rate scatters its runs above the best one, seeds scatter them to both sides; `how="auto"` separates the two by
where the median lies between the lowest and the highest loss of a configuration.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.points import LawPoints

Replicates = Literal["auto", "seeds", "sweep"]
# Rows per configuration from which its shape is judged, and configurations needed.
FEWEST_ROWS, FEWEST_SHAPES = 5, 3
# Place of the median between lowest and highest: .5 for symmetric scatter, below .35 where most runs lie near the best.
ONE_SIDED = 0.35
# A spread below this (relative, lowest to highest) is noise, whatever its shape.
SMALLEST_SPREAD = 0.005
# Width of the first cells in e-folds, where there are too many configurations.
NARROWEST = 0.02


@dataclass(frozen=True, eq=False)
class Configurations:
    """One point per (N, D) and run, how many different losses each had, and how repeated rows were read ("seeds" or "sweep")."""

    points: LawPoints
    count: Floats
    read_as: str

    def __str__(self) -> str:
        if self.count.max(initial=1) <= 1:
            return f"{len(self.points)} configurations"
        what = "the best of each (hyper-parameter sweep)" if self.read_as == "sweep" else "the mean of each (seeds)"
        return f"{len(self.points)} configurations of {int(self.count.sum())} runs, {what}"


def configurations(given: LawPoints, how: Replicates = "auto") -> Configurations:
    """The distinct (N, D) of the points.

    Args:
        how: "seeds" averages the log loss of repeated rows, "sweep" keeps the lowest, "auto" decides by their shape.

    Raises:
        ValueError: another word for `how`.
    """
    if how not in ("auto", "seeds", "sweep"):
        raise ValueError(f"replicates must be 'auto', 'seeds' or 'sweep', got {how!r}")
    order = np.lexsort((given.loss, given.tokens, given.params))
    size, length, log_loss = given.params[order], given.tokens[order], np.log(given.loss[order])
    new = np.r_[True, (np.diff(size) != 0) | (np.diff(length) != 0)] if len(order) else np.zeros(0, bool)
    starts = np.flatnonzero(new)
    which = np.cumsum(new) - 1
    # Equal losses of one configuration are one run logged twice.
    different = new | np.r_[True, np.diff(log_loss) != 0] if len(order) else new
    count = np.bincount(which[different], minlength=len(starts)).astype(np.float64)
    read_as = how if how != "auto" else _shape(log_loss[different], count)
    mean = np.bincount(which[different], log_loss[different]) / count if len(starts) else log_loss
    values = log_loss[starts] if read_as == "sweep" else mean
    groups = np.unique(given.groups[order][starts], return_inverse=True)[1]
    return Configurations(LawPoints(size[starts], length[starts], np.exp(values), groups), count, read_as)


def merged(given: Configurations, most: int) -> Configurations:
    """At most `most` configurations: neighbours in (ln N, ln D) are averaged, in cells just wide enough."""
    seen, width = given.points, NARROWEST
    if len(seen) <= most:
        return given
    logs = np.log(np.stack([seen.params, seen.tokens, seen.loss]))
    cells = _cells(logs[:2], width)
    while cells.max() >= most:
        width *= 1.2
        cells = _cells(logs[:2], width)
    rows = np.bincount(cells, given.count)
    size, length, loss = (np.exp(np.bincount(cells, given.count * column) / rows) for column in logs)
    runs = np.zeros(len(rows), dtype=np.intp)
    runs[cells] = seen.groups
    # Rows of one run share their scatter, however many fall into a cell.
    count = np.minimum(rows, np.bincount(np.unique(np.stack([cells, seen.groups]), axis=1)[0], minlength=len(rows)))
    return Configurations(LawPoints(size, length, loss, np.unique(runs, return_inverse=True)[1]), count.astype(np.float64), given.read_as)


def _cells(logs: Floats, width: float) -> NDArray[np.intp]:
    """(n,) number of the cell of each configuration."""
    place = np.floor((logs - logs.min(1, keepdims=True)) / width).astype(np.int64)
    return np.asarray(np.unique(place[0] * (place[1].max() + 1) + place[1], return_inverse=True)[1].ravel(), dtype=np.intp)


def _shape(log_loss: Floats, count: Floats) -> str:
    """ "sweep" where most of the rows of a configuration crowd at its lowest loss, else "seeds"; log_loss sorted within each."""
    ends = np.cumsum(count).astype(np.intp)
    many = np.flatnonzero(count >= FEWEST_ROWS)
    if len(many) < FEWEST_SHAPES:
        return "seeds"
    last, first = ends[many] - 1, ends[many] - count[many].astype(np.intp)
    spread = log_loss[last] - log_loss[first]
    middle = 0.5 * (log_loss[(first + last) // 2] + log_loss[(first + last + 1) // 2])
    place = (middle - log_loss[first]) / np.maximum(spread, 1e-300)
    sure = place.mean() + 2.3 * place.std() / np.sqrt(len(many)) < 0.5
    return "sweep" if sure and place.mean() < ONE_SIDED and np.median(spread) > SMALLEST_SPREAD else "seeds"
