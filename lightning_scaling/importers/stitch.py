"""Rows in the order in which they were trained: resumes joined, rows sorted, points that were logged twice merged, ranks averaged.

Where a resumed run trained steps again the later value counts. Steps that begin again at the start are a resumed run with
a reset counter where the loss continues at its level, else a new start; two runs of like length, or written in turn, are refused.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats
from lightning_scaling.importers.column_names import role
from lightning_scaling.importers.frame import Tally, rows

# More falls of the clock than this share of the rows are a file without order, fewer are resumes.
UNSORTED = 0.1
# A first attempt shorter than this share of the second is one that crashed.
CRASHED = 0.2
# Rows of one clock that stand this near to each other were logged together.
NEAR = 2
Points = dict[str, Floats]
# As many clocks with one row of each run, in the same order in this share of them, are rows of other runs or ranks.
FEWEST, ORDERED = 12, 0.95
# Ranks of one run lie this near to each other; two runs of one model hardly do.
ALIKE = 0.01
DEVICES_NEAR = 0.05  # devices of one run, on their average


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


def one_run(points: Points, first: Points, clock: str, column: str, where: str, tally: Tally) -> Points:
    """The points of one run: as they are, or with the ranks that wrote it side by side.

    Args:
        first: the first of them as they were written, where the points are thinned.

    Raises:
        ValueError: runs written in turn; names the row and the remedy.
    """
    if (rank := _rank_column(points)) is not None:
        return _averaged(points, column, rank, tally)
    there = np.isfinite(first[column]) & np.isfinite(first["value"])
    at, value = first[column][there], first["value"][there]
    each = interleaved(at, value) if clock != "epoch" else 1
    if each > 1 and (gap := _gap(at, value, each)) > ALIKE:
        raise ValueError(
            f"{where}, row {points['row'][0]:.0f}: each {clock} has {each} rows whose losses lie {100 * gap:.2g} % apart in one order, "
            f"as in {each} runs written in turn; give each its own file, or name the column that names them with --run-column"
        )
    if each > 1:
        tally.remark(
            f"each {clock} has {each} rows that differ by {100 * gap:.2g} % throughout, as ranks of one run do: their mean is followed; "
            "name the column that separates them with --run-column if they are runs"
        )
    return points


def _rank_column(points: Points) -> str | None:
    """The column of ranks; one of devices or workers only where they lie near to each other, as each may train a model of its own."""
    for name in points:
        if name in ("row", "value") or (found := role(name)) is None or found.what != "rank":
            continue
        levels = [np.nanmedian(points["value"][points[name] == each]) for each in np.unique(points[name][np.isfinite(points[name])])]
        if len(levels) > 1 and ("rank" in name.lower() or np.ptp(levels) <= DEVICES_NEAR * abs(float(np.mean(levels)))):
            return name
    return None


def _averaged(points: Points, column: str, rank: str, tally: Tally) -> Points:
    """The rows of all ranks in the order of their clock; the lowest rank alone where one of them goes back, as after a resume."""
    ranks = np.unique(points[rank][np.isfinite(points[rank])])
    if any((np.diff(points[column][points[rank] == each]) < 0).any() for each in ranks):
        tally.remark(f"{len(ranks)} ranks by {rank}: rank {ranks[0]:g} is followed")
        return {name: values[points[rank] == ranks[0]] for name, values in points.items()}
    tally.remark(f"{len(ranks)} ranks by {rank}: their mean is followed")
    order = np.argsort(points[column], kind="stable")
    placed = {name: values[order] for name, values in points.items()}
    return {**placed, "row": np.sort(points["row"])}


def _gap(clock: Floats, value: Floats, each: int) -> float:
    """How far the rows of one clock lie apart, as a share of their level."""
    begins = np.flatnonzero(np.diff(clock, prepend=np.nan) != 0)
    whole = begins[np.diff(np.append(begins, len(clock))) == each]
    rows = np.array([value[whole + k] for k in range(each)])
    return float(np.nanmedian(np.ptp(rows, axis=0) / np.abs(rows).mean(axis=0)))


def interleaved(clock: Floats, value: Floats) -> int:
    """How many runs were written in turn, one row of each at every clock; 1 where the rows of one clock are ranks or micro-batches.

    Rows of one run scatter around each other. Those of two runs lie apart in the same order nearly everywhere.

    >>> steps = np.repeat(np.arange(12.0), 2)
    >>> interleaved(steps, np.where(np.arange(24) % 2, 3.0, 2.9)), interleaved(steps, np.cos(7 * np.arange(24)))
    (2, 1)
    """
    begins = np.flatnonzero(np.diff(clock, prepend=np.nan) != 0)
    sizes = np.diff(np.append(begins, len(clock)))
    each = int(np.median(sizes)) if len(sizes) else 1
    whole = begins[sizes == each]
    if each < 2 or len(whole) < FEWEST or len(whole) < ORDERED * len(begins):
        return 1
    above = np.array([value[whole + k] > value[whole] for k in range(1, each)])
    below = np.array([value[whole + k] < value[whole] for k in range(1, each)])
    share = np.maximum(above.mean(axis=1), below.mean(axis=1))
    return each if bool((share >= ORDERED).all()) else 1
