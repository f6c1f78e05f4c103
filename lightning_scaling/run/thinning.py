"""Which points of a long curve are kept: spaced evenly in log tokens, as the laws weigh them, with the first and the last."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.run.record import Prediction, RunRecord
from lightning_scaling.run.schedule import Schedule

MOST_POINTS = 400
MOST_PREDICTIONS = 50
MOST_CORNERS = 100


def thin(record: RunRecord, most: int = MOST_POINTS) -> RunRecord:
    """The record with at most `most` points of its curve, 50 predictions, and a schedule of 100 corners."""
    kept = log_spaced(record.curve.tokens, most)
    curve = record.curve.take(kept)
    if curve.schedule is not None:
        curve = replace(curve, schedule=thin_schedule(curve.schedule))
    return replace(record, curve=curve, flops=record.flops[kept], predictions=thin_predictions(record.predictions))


def log_spaced(x: NDArray[np.float64], most: int) -> NDArray[np.intp]:
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
    return _fill(np.unique(nearest), len(x), most)


def _fill(kept: NDArray[np.intp], length: int, most: int) -> NDArray[np.intp]:
    """Early points are sparse in log x and chosen more than once: spend what that saved evenly over the rest of the curve."""
    rest = np.setdiff1d(np.arange(length), kept, assume_unique=True)
    spare = min(most - len(kept), len(rest))
    if spare <= 0:
        return kept
    more = rest[np.linspace(0, len(rest) - 1, spare).round().astype(np.intp)]
    return np.union1d(kept, more)


def thin_schedule(schedule: Schedule, most: int = MOST_CORNERS) -> Schedule:
    """The schedule as a polygon of at most `most` corners: the worst missed is added until they are spent (Douglas and Peucker 1973)."""
    step, lr = schedule.step, schedule.lr
    if len(step) <= most:
        return schedule
    kept = [0, len(step) - 1]
    while len(kept) < most:
        missed = np.abs(lr - np.interp(step, step[kept], lr[kept]))
        missed[kept] = 0.0
        if missed.max() <= 1e-6 * schedule.peak:
            break
        kept = sorted([*kept, int(missed.argmax())])
    return Schedule(step[kept], lr[kept])


def thin_predictions(predictions: tuple[Prediction, ...], most: int = MOST_PREDICTIONS) -> tuple[Prediction, ...]:
    """At most `most` predictions, evenly over the run; the sentence of the last one only (they are most of the bytes)."""
    if not predictions:
        return ()
    index = np.unique(np.linspace(0, len(predictions) - 1, min(most, len(predictions))).round().astype(int))
    kept = [replace(predictions[i], because="") for i in index]
    return (*kept[:-1], predictions[-1])
