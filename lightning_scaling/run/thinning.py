"""Fewer points that show the same: a curve evenly in log tokens, as the laws weigh it, and a schedule as the knots of its line."""

import heapq
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats
from lightning_scaling.run.record import Prediction, RunRecord
from lightning_scaling.run.schedule import Schedule

MOST_POINTS = 400
MOST_PREDICTIONS = 50
MOST_KNOTS = 100
STRAIGHT = 1e-6  # of the largest value: what a straight piece may miss


def thin(record: RunRecord, most: int = MOST_POINTS) -> RunRecord:
    """The record with at most `most` points of its curve, 50 predictions, and a schedule of 100 knots."""
    kept = log_spaced(record.curve.tokens, most)
    curve = record.curve.take(kept)
    if curve.schedule is not None:
        curve = replace(curve, schedule=simplify_schedule(curve.schedule))
    return replace(record, curve=curve, flops=record.flops[kept], predictions=thin_predictions(record.predictions))


def log_spaced(x: Floats, most: int) -> NDArray[np.intp]:
    """Indices of at most `most` of the rising positive values `x`, nearest to an even spacing of log x; both ends are among them.

    >>> log_spaced(np.arange(1.0, 1025.0), 11) + 1
    array([   1,    2,    4,    8,   16,   32,   64,  128,  256,  512, 1024])
    """
    if len(x) <= most:
        return np.arange(len(x))
    log_x = np.log(x)
    wanted = np.linspace(log_x[0], log_x[-1], most)
    right = np.clip(np.searchsorted(log_x, wanted), 1, len(x) - 1)
    nearest = right - (wanted - log_x[right - 1] < log_x[right] - wanted)
    kept = np.zeros(len(x), dtype=bool)
    kept[nearest] = True
    return _fill(kept, most)


def _fill(kept: NDArray[np.bool_], most: int) -> NDArray[np.intp]:
    """Early points are sparse in log x and chosen more than once: spend what that saved evenly over the rest of the curve."""
    rest = np.flatnonzero(~kept)
    spare = min(most - int(kept.sum()), len(rest))
    if spare > 0:
        kept[rest[np.linspace(0, len(rest) - 1, spare).round().astype(np.intp)]] = True
    return np.flatnonzero(kept)


def simplify_schedule(schedule: Schedule, most: int = MOST_KNOTS) -> Schedule:
    """The schedule as a polygon of at most `most` knots."""
    if len(schedule.step) <= most:
        return schedule
    kept = knots(schedule.step, schedule.lr, most)
    return Schedule(schedule.step[kept], schedule.lr[kept])


def knots(x: Floats, y: Floats, most: int) -> NDArray[np.int64]:
    """Indices of at most `most` points whose connecting line follows all points (x not falling), ends included.

    Where a straight piece misses the points most, it is broken there (Ramer 1972; Douglas & Peucker 1973, by vertical distance): jumps and
    kinks are missed most and so are kept exactly.

    >>> knots(np.arange(5.0), np.array([0.0, 1.0, 2.0, 2.0, 2.0]), 400).tolist()
    [0, 2, 4]
    """
    if len(x) <= 2:
        return np.arange(len(x))
    kept, heap = {0, len(x) - 1}, [_largest_miss(x, y, 0, len(x) - 1)]
    enough = STRAIGHT * float(np.abs(y).max())
    while heap and len(kept) < most:
        missed, at, low, high = heapq.heappop(heap)
        if -missed <= enough:
            break
        kept.add(at)
        for start, stop in ((low, at), (at, high)):
            if stop - start > 1:
                heapq.heappush(heap, _largest_miss(x, y, start, stop))
    return np.array(sorted(kept), dtype=np.int64)


def _largest_miss(x: Floats, y: Floats, low: int, high: int) -> tuple[float, int, int, int]:
    inner = slice(low + 1, high)
    line = y[low] + (y[high] - y[low]) * (x[inner] - x[low]) / max(float(x[high] - x[low]), 1e-300)
    missed = np.abs(y[inner] - line)
    at = int(missed.argmax())
    return -float(missed[at]), low + 1 + at, low, high


def thin_predictions(predictions: tuple[Prediction, ...]) -> tuple[Prediction, ...]:
    """At most 50 predictions, evenly over the run; the sentence of the last one only (they are most of the bytes)."""
    if not predictions:
        return ()
    index = np.unique(np.linspace(0, len(predictions) - 1, min(MOST_PREDICTIONS, len(predictions))).round().astype(int))
    kept = [replace(predictions[i], because="") for i in index]
    return (*kept[:-1], predictions[-1])
