"""One curve from the points of a run that was resumed, perhaps on a machine whose clock differs by an hour.

Every training process logs rising steps. What a later one trains again replaces what the earlier one had lost. Which was earlier is read
from the times, except that nothing can be resumed from a step that was not reached yet: the process with the lowest step comes first, and
one that begins beyond the steps before it waits for those between.
"""

import math
from collections.abc import Iterator, Sequence
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
    >>> stitched([(time, 9 - time, 1.0 * time) for time in range(5)])  # written backwards
    [(5, 4.0), (6, 3.0), (7, 2.0), (8, 1.0), (9, 0.0)]
    """
    curve: list[tuple[int, float]] = []
    steps = sorted({step for _, step, _ in points})
    near = _GAP * median(b - a for a, b in pairwise(steps)) if len(steps) > 1 else 1.0
    for process in _in_order(_processes(sorted(points), near), near):
        while curve and curve[-1][0] >= process[0][1]:
            curve.pop()
        curve += [(step, value) for _, step, value in process]
    if 2 * len(curve) < len(points) == len(steps):  # times that mean nothing, as no step was trained again
        return sorted((step, value) for _, step, value in points)
    return curve


def _processes(points: Sequence[Timed], near: float) -> list[list[Timed]]:
    """Points by the process that logged them: each has rising steps. Two whose clocks overlap are separated by their steps."""
    found: list[list[Timed]] = []  # the one written to last is last
    for point in points:
        below = [each for each in found if each[-1][1] < point[1]]
        close = [each for each in below if point[1] - each[-1][1] <= near]
        if close:
            found.remove(close[-1])
            found.append([*close[-1], point])
        else:
            found.append([point])
    return found


def _in_order(processes: list[list[Timed]], near: float) -> Iterator[list[Timed]]:
    """By the time of their first points, the lowest step first; a process that nothing before it can have reached comes later."""
    waiting, reached = sorted(processes, key=lambda each: each[0]), -math.inf
    while waiting:
        within = [each for each in waiting if each[0][1] <= reached + near]
        chosen = within[0] if within else min(waiting, key=lambda each: each[0][1])
        waiting.remove(chosen)
        reached = chosen[-1][1]
        yield chosen
