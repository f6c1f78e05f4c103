"""One curve from the points of a run that was resumed, perhaps on a machine whose clock differs by an hour.

Every training process logs rising steps. What a later one trains again replaces what the earlier one had lost. Which was earlier is read
from the times, except that nothing can be resumed before the lowest step was logged: that process comes first.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

_GAP = 3.0  # intervals between two points of one process; a wider one may be another process, and is joined by its time
Timed = tuple[int, int, float]  # time, step, value


def stitched(points: Sequence[Timed]) -> list[tuple[int, float]]:
    """(step, value) with rising steps.

    >>> stitched([(10, 1, 5.0), (20, 2, 4.0), (30, 2, 4.5), (40, 3, 3.5)])  # resumed from step 1
    [(1, 5.0), (2, 4.5), (3, 3.5)]
    >>> stitched([(10, 1, 5.0), (20, 2, 4.0), (1, 3, 3.0), (2, 4, 2.0)])  # resumed on a clock that is behind
    [(1, 5.0), (2, 4.0), (3, 3.0), (4, 2.0)]
    """
    curve: list[tuple[int, float]] = []
    for process in _in_order(_processes(sorted(points))):
        while curve and curve[-1][0] >= process[0][1]:
            curve.pop()
        curve += [(step, value) for _, step, value in process]
    return curve


def _processes(points: Sequence[Timed]) -> list[list[Timed]]:
    """Points by the process that logged them: each has rising steps. Two whose clocks overlap are separated by their steps."""
    found: list[list[Timed]] = []  # the one written to last is last
    steps = sorted({step for _, step, _ in points})
    near = _GAP * median(b - a for a, b in pairwise(steps)) if len(steps) > 1 else 1.0
    for point in points:
        below = [each for each in found if each[-1][1] < point[1]]
        close = [each for each in below if point[1] - each[-1][1] <= near]
        if close:
            found.remove(close[-1])
            found.append([*close[-1], point])
        else:
            found.append([point])
    return found


def _in_order(processes: list[list[Timed]]) -> list[list[Timed]]:
    """By the time of their first points, but the one with the lowest step first: the others were resumed from it."""
    by_time = sorted(processes, key=lambda each: each[0])
    if not by_time:
        return []
    first = min(by_time, key=lambda each: each[0][1])
    return [first, *(each for each in by_time if each is not first)]
