"""Rows in the order in which they were trained: resumes joined, rows sorted, points that were logged twice merged.

Where a resumed run trained steps again the later value counts. Steps that begin again at the start are a resumed run with
a reset counter where the loss continues at its level, else a new start; two runs of like length are refused rather than mixed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats
from lightning_scaling.importers.tally import Tally, rows

# More falls of the clock than this share of the rows are a file without order, fewer are resumes.
UNSORTED = 0.1
# A first attempt shorter than this share of the second is one that crashed.
CRASHED = 0.2
# Rows of one clock that stand this near to each other were logged together.
NEAR = 2


@dataclass(frozen=True)
class Seams:
    """Where a file's segments begin.

    Args:
        row: (k,) first row of each segment, the first one's is 0.
        offset: (k,) added to the clock of the segment.
        first, last: (k,) clock at its ends, with the offset; first is infinity where a segment replaces nothing.
        dropped: (k,) segments that are not part of the run.
    """

    row: Floats
    offset: Floats
    first: Floats
    last: Floats
    dropped: NDArray[np.bool_]

    def place(self, row: Floats, clock: Floats) -> tuple[NDArray[np.intp], Floats]:
        """(indices that are kept, in the order of training; the clock of each)."""
        segment = np.searchsorted(self.row, row, side="right") - 1
        placed = clock + self.offset[segment]
        from_here = np.append(np.minimum.accumulate(self.first[::-1])[::-1][1:], np.inf)
        up_to = np.append(np.maximum.accumulate(self.last[::-1])[::-1][1:], -np.inf)
        again = (placed >= from_here[segment]) & (placed <= up_to[segment])
        kept = np.flatnonzero(np.isfinite(placed) & ~again & ~self.dropped[segment])
        kept = kept[np.lexsort((row[kept], placed[kept]))]
        return kept, placed[kept]


def seams(row: Floats, clock: Floats, loss: Floats, where: str, unit: str, tally: Tally) -> Seams:
    """The segments of a loss curve in the order of its file; what was found is remarked upon.

    Raises:
        ValueError: two runs, one behind the other; names the row.
    """
    falls = np.flatnonzero(np.diff(clock) < 0) + 1
    if len(falls) > max(3, UNSORTED * len(clock)):
        tally.remark(f"rows were not in the order of the {unit} and were sorted")
        falls = falls[:0]
    starts = np.append(0, falls)
    ends = np.append(falls, len(clock))
    offset, dropped = np.zeros(len(starts)), np.zeros(len(starts), dtype=bool)
    first, last = np.full(len(starts), np.inf), np.array([clock[a:b].max() for a, b in zip(starts, ends, strict=True)])
    spacing = float(np.median(np.abs(np.diff(clock)))) if len(clock) > 1 else 0.0
    continued: list[int] = []
    for k in range(1, len(starts)):
        before, now = slice(starts[k - 1], ends[k - 1]), slice(starts[k], ends[k])
        offset[k] = offset[k - 1]
        begun = clock[starts[k]] <= clock[starts[k - 1]] + 0.5 * spacing and ends[k - 1] - starts[k - 1] >= 3
        if begun and _goes_on(loss[before], loss[now]):
            offset[k] += last[k - 1] + spacing - clock[starts[k]]
            continued.append(k)
            continue
        if begun and last[k - 1] - clock[starts[k - 1]] > CRASHED * (last[k] - clock[starts[k]]):
            raise ValueError(_two_runs(where, row[starts[k]], unit, clock[starts[k]], loss[now]))
        dropped[: k if begun else 0] = True
        _replace(k, clock, now, offset, first, last, dropped, begun, row, unit, tally)
    if continued:
        k = continued[0]
        times = "" if len(continued) == 1 else f" {len(continued)} times, first"
        tally.remark(f"{unit} begin again{times} at row {row[starts[k]]:.0f} while the loss continues: counted on from {last[k - 1]:g}")
    return Seams(np.append(0.0, row[starts[1:]]), offset, first, last + offset, dropped)


def _replace(
    k: int,
    clock: Floats,
    now: slice,
    offset: Floats,
    first: Floats,
    last: Floats,
    dropped: NDArray[np.bool_],
    begun: bool,
    row: Floats,
    unit: str,
    tally: Tally,
) -> None:
    """A segment that goes back: what it trains again replaces the earlier rows, a single row out of place does not."""
    here = row[now.start]
    if begun:
        tally.remark(f"training started anew at row {here:.0f}: the rows before it are left out")
    elif (clock[now] + offset[k] <= last[k - 1] + offset[k - 1]).sum() >= 2:
        first[k] = clock[now.start] + offset[k]
        tally.remark(f"resumed at row {here:.0f} from {first[k]:g} {unit}: what was trained again replaces the rows before")
    else:
        tally.remark(f"row {here:.0f} was out of order and was sorted")


def _goes_on(before: Floats, now: Floats) -> bool:
    """Whether the loss begins where it had ended rather than where it had begun."""
    known, new = before[np.isfinite(before)], now[np.isfinite(now)]
    if not len(known) or not len(new):
        return True
    start = float(np.median(new[:3]))
    return abs(start - float(np.median(known[-5:]))) <= abs(start - float(np.median(known[:3])))


def _two_runs(where: str, row: float, unit: str, clock: float, loss: Floats) -> str:
    return (
        f"{where}, row {row:.0f}: {unit} begin again at {clock:g} and the loss at {loss[0]:.4g}, as in two runs in one file; "
        "give each its own file, or name the column that names them with --run-column"
    )


def merged(clock: Floats, value: Floats, row: Floats, tally: Tally, unit: str) -> tuple[Floats, Floats]:
    """One value a clock: the mean of neighbouring rows (ranks, micro-batches, rows of one epoch), the later of two that lie apart."""
    fresh = np.diff(clock, prepend=-np.inf) > 0
    if fresh.all():
        return clock, value
    group = np.cumsum(fresh) - 1
    begin = np.maximum.accumulate(np.where(fresh | (np.diff(row, prepend=row[0]) > NEAR), np.arange(len(clock)), 0))
    latest = np.zeros(int(group[-1]) + 1, dtype=np.intp)
    np.maximum.at(latest, group, begin)
    counted = (begin == latest[group]) & np.isfinite(value)
    total = np.bincount(group[counted], weights=value[counted], minlength=len(latest))
    count = np.bincount(group[counted], minlength=len(latest))
    tally.remark(f"{rows(int((~fresh).sum()))} with a repeated {unit} merged")
    return clock[fresh], np.divide(total, count, out=np.full(len(latest), np.nan), where=count > 0)
