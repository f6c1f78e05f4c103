"""Which of very many runs are drawn as curves, and with how many points: the same rule in the report and on the page (loss.js).

Ten thousand lines hide each other, and a picture of them takes minutes. The runs that are not drawn as curves are dots at their ends.
"""

from collections.abc import Sequence

from lightning_scaling.report.rows import RunRow
from lightning_scaling.run.record import RunState

MOST_CURVES = 1000
MOST_POINTS, LEAST_POINTS = 60, 20
_ALL_POINTS = 120_000  # of all curves together, above which each gets fewer: 60 points of 10 000 runs were 6 MB, 20 are 2.6


def points_of_each(runs: int) -> int:
    """How many points of a curve are shown when there are so many runs.

    >>> points_of_each(1000), points_of_each(4000), points_of_each(10_000)
    (60, 30, 20)
    """
    return max(LEAST_POINTS, min(MOST_POINTS, _ALL_POINTS // max(runs, 1)))


def with_curves(runs: Sequence[RunRow]) -> list[bool]:
    """For each of the runs, which come by size, whether it is drawn as a curve; all of them up to a thousand.

    Those in progress, those that none of less compute undercuts, and others evenly over the sizes.
    """
    if len(runs) <= MOST_CURVES:
        return [True] * len(runs)
    places = list(range(len(runs)))
    running = [k for k in places if runs[k].record.state is RunState.RUNNING]
    chosen = {*_spread(running, 0.3), *_spread(_undercut(runs), 0.3), *_spread(places, 0.4)}
    return [k in chosen for k in places]


def _spread(places: Sequence[int], share: float) -> list[int]:
    """At most so many of them, evenly from first to last."""
    most = int(share * MOST_CURVES)
    return list(places) if len(places) <= most else [places[i * len(places) // most] for i in range(most)]


def _undercut(runs: Sequence[RunRow]) -> list[int]:
    """The runs that none of less compute undercuts: what the picture is about."""
    least, kept = float("inf"), []
    for k in sorted(range(len(runs)), key=lambda k: runs[k].flops):
        if runs[k].loss < least:
            least = runs[k].loss
            kept.append(k)
    return kept
