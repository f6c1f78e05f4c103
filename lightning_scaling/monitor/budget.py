"""What monitoring may cost: one per cent of the wall time of the training, and never more than 50 ms at once in its thread.

A forecast with its advice takes 3 to 30 ms, as much as twenty steps of a small model. Where validations come faster than that, a
judgement waits until the training has run long enough to pay for it; the last one of a run is always made.
"""

import math
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
SHARE = 0.01
START = 0.05  # seconds that may be spent before anything was earned
MOST_AT_ONCE = 0.05  # seconds


class TimeBudget:
    """Allows work while its cost stays below a share of the time since it was made.

    Args:
        share: of the wall time; infinity allows everything, at once.
        start: seconds allowed at once.
        clock: seconds, rising.

    >>> now = iter([0.0, 0.0, 0.0, 0.5, 1.0, 60.0])
    >>> budget = TimeBudget(clock=lambda: next(now))
    >>> budget.allows("judging")  # nothing is known of its cost yet
    True
    >>> budget.timed("judging", lambda: "half a second")
    'half a second'
    >>> budget.allows("judging"), budget.allows("judging")
    (False, False)
    """

    def __init__(self, share: float | None = None, start: float | None = None, clock: Callable[[], float] = time.perf_counter) -> None:
        self._share, self._start = SHARE if share is None else share, START if start is None else start
        self._clock = clock
        self._began = clock()
        self._spent = 0.0
        self._cost: dict[str, float] = {}

    def allows(self, work: str) -> bool:
        """Whether `work` can be paid for now, if it costs what it cost last."""
        if self._share == math.inf:
            return True
        return self._spent + self._cost.get(work, 0.0) <= self._start + self._share * (self._clock() - self._began)

    def timed(self, work: str, do: Callable[[], T]) -> T:
        """`do()`, whose time is counted."""
        start = self._clock()
        try:
            return do()
        finally:
            cost = self._clock() - start
            self._spent += cost
            self._cost[work] = cost

    def too_long(self, work: str) -> bool:
        """Whether `work` blocks the training longer at once than it may."""
        return self._share < math.inf and self._cost.get(work, 0.0) > MOST_AT_ONCE
