"""Several rows at each clock: ranks of one run, which are averaged, or runs written in turn, which are refused."""

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.importers.column_names import role
from lightning_scaling.importers.tally import Tally

Points = dict[str, Floats]
# As many clocks with one row of each run, in the same order in this share of them, are rows of other runs or ranks.
FEWEST, ORDERED = 12, 0.95
# Ranks of one run lie this near to each other; two runs of one model hardly do.
ALIKE = 0.01
NEAR = 0.05  # devices of one run, on their average


def one_run(points: Points, clock: str, column: str, where: str, tally: Tally) -> Points:
    """The points of one run: as they are, or with the ranks that wrote it side by side.

    Raises:
        ValueError: runs written in turn; names the row and the remedy.
    """
    if (rank := _rank_column(points)) is not None:
        return _averaged(points, column, rank, tally)
    each = interleaved(points[column], points["value"]) if clock != "epoch" else 1
    if each > 1 and (gap := _gap(points[column], points["value"], each)) > ALIKE:
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
        if len(levels) > 1 and ("rank" in name.lower() or np.ptp(levels) <= NEAR * abs(float(np.mean(levels)))):
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
