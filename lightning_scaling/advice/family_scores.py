"""Three rules that find a run leaving its family, in units of its noise and of how much siblings drift among themselves.

A, level: the run lies far above the line, with three siblings only. B, jump: the median of the last 2 to 12 looks against that of up to
eight looks before them. C, slope: r rises with ln x over the last six looks. Thresholds are such that at most one in about a hundred
healthy runs alarms; departures downwards never do.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.advice.family_residual import Residual, row_medians
from lightning_scaling.arrays import Floats, median

LEVEL, JUMP, SLOPE = 7.0, 4.5, 5.5  # thresholds of A, B and C, in units
Indices = NDArray[np.intp]
RECENT, BEFORE = range(2, 13), 8  # looks of a jump
FEWEST = 2  # looks before a jump
SLOPED = 6  # looks of a slope
SETTLED = 3  # looks of a level
BEGUN = 0.25  # of the departure when it is found: looks before it has risen so far are not part of it
BACK = 0.5  # of the largest departure: a run below that is back
OWN, OWN_PAST, OWN_LEAST = 0.5, 0.7, 0.2  # share of the run's own earlier slope that may go on; ln x over which it is read, at least
MEDIAN = 1.57  # variance of a median in that of a mean


@dataclass(frozen=True, eq=False)
class Drift:
    """How far siblings are apart.

    Args:
        slope: (n,) standard deviation of r's slope in ln x, at each look.
        level: of r itself; inf where it is not known well enough for rule A.
    """

    slope: Floats
    level: float


@dataclass(frozen=True)
class Alarm:
    """Args:
    rule: "level", "jump" or "slope".
    start: index of the look at which the departure began.
    base: r before it.
    unit: of the departure, log loss.
    """

    rule: str
    start: int
    base: float
    unit: float


def alarm_at_last(seen: Residual, drift: Drift) -> tuple[Alarm | None, float]:
    """The alarm that holds at the last look, None where none does, and the departure there in units."""
    scores = list(_scores(seen, drift))
    first = _first_alarms(scores, len(seen))
    alarm, largest, units = None, 0.0, 0.0
    for t in range(len(seen)):
        if alarm is None and first[t] is not None:
            alarm, largest = _begun(first[t], seen, t), 0.0
        if alarm is not None:
            excess = median(seen.r[max(t - SETTLED + 1, alarm.start) : t + 1]) - alarm.base
            largest, units = max(largest, excess), excess / alarm.unit
            if excess < BACK * largest:
                alarm = None
    return alarm, units if alarm is not None else _largest(scores)


def _begun(alarm: Alarm | None, seen: Residual, look: int) -> Alarm | None:
    """The alarm with its start at the first look of its window that has risen by BEGUN of what the last one has."""
    if alarm is None or alarm.rule == "level":
        return alarm
    risen = seen.r[alarm.start : look + 1] - alarm.base
    return replace(alarm, start=alarm.start + int(np.argmax(risen >= BEGUN * risen[-1])))


def _largest(scores: "Scores") -> float:
    """The largest score at the last look, in units; what an alarm would be raised on."""
    found = [units[-1] for units, _ in scores if len(units) and np.isfinite(units[-1])]
    return float(max(found, default=0.0))


def _first_alarms(scores: "Scores", looks: int) -> list[Alarm | None]:
    """For each look, the alarm that it would raise: the one with the largest share of its threshold."""
    best: list[tuple[float, Alarm] | None] = [None] * looks
    for (units, alarms), limit in zip(scores, (LEVEL, JUMP, SLOPE), strict=True):
        for t in np.flatnonzero(units > limit):
            over, here = float(units[t]) / limit, best[t]
            if here is None or over > here[0]:
                best[t] = (over, alarms(int(t)))
    return [None if each is None else each[1] for each in best]


def _scores(seen: Residual, drift: Drift) -> Iterator[tuple[Floats, "_Maker"]]:
    yield _level(seen, drift)
    yield _jump(seen, drift)
    yield _slope(seen, drift)


class _Maker:
    """Makes the alarm of a look from arrays over looks."""

    def __init__(self, rule: str, start: Floats, base: Floats, unit: Floats) -> None:
        self._rule, self._start, self._base, self._unit = rule, start, base, unit

    def __call__(self, look: int) -> Alarm:
        return Alarm(self._rule, int(self._start[look]), float(self._base[look]), float(self._unit[look]))


Scores = list[tuple[Floats, _Maker]]


def _level(seen: Residual, drift: Drift) -> tuple[Floats, _Maker]:
    n = len(seen)
    recent = _ending(seen.r, SETTLED)
    unit = np.full(n, np.hypot(drift.level, seen.noise))
    return recent / unit, _Maker("level", np.zeros(n), np.zeros(n), unit)


def _jump(seen: Residual, drift: Drift) -> tuple[Floats, _Maker]:
    n, logx = len(seen), np.log(seen.x)
    before, sized = _ending(seen.r, BEFORE, FEWEST), np.minimum(np.arange(n) + 1, BEFORE)
    best, start, base, unit = np.full(n, -np.inf), np.zeros(n), np.zeros(n), np.ones(n)
    for width in RECENT:
        look = np.arange(width + FEWEST - 1, n)
        if not len(look):
            break
        old = look - width
        apart = _middle(logx, look, width) - _middle(logx, old, sized[old])
        rise = _ending(seen.r, width)[look] - before[old]
        wide = np.sqrt(MEDIAN * seen.noise**2 * (1 / width + 1 / sized[old]) + (_own(seen, drift, old) * apart) ** 2)
        better = rise / wide > best[look]
        best[look] = np.where(better, rise / wide, best[look])
        for kept, value in ((start, old + 1), (base, before[old]), (unit, wide)):
            kept[look] = np.where(better, value, kept[look])
    return best, _Maker("jump", start, base, unit)


def _slope(seen: Residual, drift: Drift) -> tuple[Floats, _Maker]:
    n = len(seen)
    score, base, unit = np.full(n, -np.inf), np.zeros(n), np.ones(n)
    if n >= SLOPED:
        x = np.lib.stride_tricks.sliding_window_view(np.log(seen.x), SLOPED)
        r = np.lib.stride_tricks.sliding_window_view(seen.r, SLOPED)
        away = x - x.mean(1, keepdims=True)
        square = (away**2).sum(1)
        slope = (away * r).sum(1) / square
        wide = np.hypot(seen.noise / np.sqrt(square), _own(seen, drift, np.maximum(np.arange(n) - SLOPED, 0))[SLOPED - 1 :])
        score[SLOPED - 1 :] = slope / wide
        base[SLOPED - 1 :] = np.median(r[:, :2], axis=1)
        unit[SLOPED - 1 :] = wide * (x[:, -1] - x[:, 0])
    return score, _Maker("slope", np.maximum(np.arange(n) - SLOPED + 1, 0), base, unit)


def _own(seen: Residual, drift: Drift, old: Indices) -> Floats:
    """Drift that is expected after the looks `old`: among siblings, and of the run itself over the half of the run before them."""
    logx = np.log(seen.x)
    since = np.searchsorted(logx, logx[old] - OWN_PAST)
    smooth = _ending(seen.r, SETTLED)
    apart = logx[old] - logx[since]
    slope = np.where(apart > OWN_LEAST, (smooth[old] - smooth[since]) / np.maximum(apart, OWN_LEAST), 0.0)
    return np.hypot(drift.slope[old], OWN * slope)


def _ending(r: Floats, width: int, fewest: int = 1) -> Floats:
    """(n,) median of the last `width` looks at each, of fewer at the beginning; −inf with fewer than `fewest`."""
    if not len(r):
        return r
    filled = np.minimum(np.arange(len(r)) + 1, width)
    padded = np.r_[np.full(width - 1, np.inf), r]
    found = row_medians(np.lib.stride_tricks.sliding_window_view(padded, width), filled)
    return np.where(filled >= min(fewest, width), found, -np.inf)


def _middle(logx: Floats, last: Indices, width: Indices | int) -> Floats:
    """Mean of the first and last log share of the windows of `width` looks that end at `last`."""
    return np.asarray((logx[last] + logx[last - np.asarray(width) + 1]) / 2)
