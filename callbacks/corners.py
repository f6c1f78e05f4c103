"""A line through many points told by few: the corners that matter most, found one by one.

Where a straight piece misses the points most, it is broken there (Ramer 1972; Douglas & Peucker 1973, by vertical distance). Jumps and
kinks are missed most and so are kept exactly.
"""

import heapq

import numpy as np
from numpy.typing import NDArray

MOST = 400
TOLERANCE = 1e-5  # of the largest value


def corners(x: NDArray[np.float64], y: NDArray[np.float64], most: int = MOST) -> NDArray[np.int64]:
    """Indices of at most `most` points whose connecting line follows all points (x increasing), ends included.

    >>> corners(np.arange(5.0), np.array([0.0, 1.0, 2.0, 2.0, 2.0])).tolist()
    [0, 2, 4]
    """
    if len(x) <= 2:
        return np.arange(len(x))
    kept, heap = {0, len(x) - 1}, [_worst(x, y, 0, len(x) - 1)]
    enough = TOLERANCE * float(np.abs(y).max())
    while heap and len(kept) < most:
        missed, at, low, high = heapq.heappop(heap)
        if -missed <= enough:
            break
        kept.add(at)
        for start, stop in ((low, at), (at, high)):
            if stop - start > 1:
                heapq.heappush(heap, _worst(x, y, start, stop))
    return np.array(sorted(kept), dtype=np.int64)


def _worst(x: NDArray[np.float64], y: NDArray[np.float64], low: int, high: int) -> tuple[float, int, int, int]:
    inner = slice(low + 1, high)
    line = y[low] + (y[high] - y[low]) * (x[inner] - x[low]) / (x[high] - x[low])
    missed = np.abs(y[inner] - line)
    at = int(missed.argmax())
    return -float(missed[at]), low + 1 + at, low, high
