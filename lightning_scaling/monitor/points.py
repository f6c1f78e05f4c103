"""The points of a run that is still going: one per validation, never more than a fixed number, whatever the length of the run.

When the list is full the point goes whose neighbours are closest, measured against the square root of where it is: what remains is
spread over the whole run, with more points where the curve bends. First and last stay. (Halving the list instead would halve the old
points again and again until none is left.)
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MOST = 2000


def most_dispensable(positions: Sequence[float]) -> int:
    """Index of the inner position that is missed least.

    >>> most_dispensable([1, 10, 11, 100])
    1
    """
    at = np.asarray(positions, dtype=np.float64)
    return 1 + int(np.argmin((at[2:] - at[:-2]) / np.sqrt(at[1:-1])))


class Point(NamedTuple):
    """Cumulative tokens, FLOPs and optimiser steps, the loss there, and that of averaged weights or NaN."""

    tokens: int
    flops: int
    step: int
    loss: float
    averaged: float = float("nan")


def scaled(averaged: float, own: float, mean: float) -> float:
    """The loss of averaged weights in the unit of the mean over ranks, from that of this rank beside its own loss."""
    return averaged * mean / own if own else averaged


class Points:
    """A bounded list of points with rising tokens.

    >>> points = Points(most=4)
    >>> for t in range(1, 7):
    ...     points.add(Point(t, 6 * t, t, 1.0))
    >>> [p.tokens for p in points.kept]
    [1, 2, 3, 6]
    """

    def __init__(self, most: int = MOST) -> None:
        self.kept: list[Point] = []
        self._most = most

    def add(self, point: Point) -> None:
        """Append; a point at the tokens of the last one replaces it (a validation that was run again), an older one is left out."""
        if self.kept and point.tokens == self.kept[-1].tokens:
            self.kept.pop()
        if point.tokens <= (self.kept[-1].tokens if self.kept else 0):
            return
        self.kept.append(point)
        if len(self.kept) > self._most:
            self.kept.pop(most_dispensable([p.tokens for p in self.kept]))

    def __len__(self) -> int:
        return len(self.kept)

    def state(self) -> list[list[float]]:
        """Plain numbers for a checkpoint."""
        return [list(p if p.averaged == p.averaged else p[:-1]) for p in self.kept]

    def restore(self, state: list[list[float]]) -> None:
        """What `state` gave."""
        self.kept = [Point(int(t), int(f), int(s), *map(float, losses)) for t, f, s, *losses in state]
