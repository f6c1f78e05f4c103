"""Is the run broken? Losses that are not finite, a jump that has not come back, a climb back to where it began, swings without progress.

A spike that has recovered is no fault, and a proven slow turn-up is overfitting, judged elsewhere. A rate far too high makes the loss swing
as it climbs. Such swings are part of the fault, so rises are measured in the noise of the calmer half of the run.
"""

import numpy as np

from lightning_scaling.advice.bins import Bins, noise
from lightning_scaling.advice.overfitting import TurnUp
from lightning_scaling.advice.verdict import Reason
from lightning_scaling.numbers import count, share
from lightning_scaling.numbers import loss as words
from lightning_scaling.run.curve import Curve

LOST = 0.5  # share of all that was gained
LARGE = 0.01  # relative rise: a step of a tenth of a percent may be many times a tiny noise and is still nothing to investigate
HIGH = 10.0  # standard deviations that the latest bins lie above the best
MOST = 1000.0  # times the noise: beyond that a ratio has no digits worth printing
LAST = 3  # losses that must all be non-finite
FEWEST = 8  # bins
SWING = 0.25  # of all that was gained: swings that drown it
GROWN, SWING_GROWN, LOST_GROWN = 4.0, 0.05, 0.2  # swings that have grown so many times, are so large, while so much is lost


def divergence(curve: Curve, seen: Bins, turn: TurnUp, turned_up: bool = False, unit: str = "tokens") -> tuple[Reason, str] | None:
    """The reason to look into this run with the numbers behind it, None where nothing is wrong.

    >>> from lightning_scaling.advice.bins import binned
    >>> broken = Curve([1, 2, 3, 4], [3.0, float("nan"), float("nan"), float("nan")])
    >>> seen = binned(broken, 10)
    >>> divergence(broken, seen, TurnUp())[0].name
    'NOT_FINITE'
    """
    last = curve.loss[-LAST:]
    if len(last) and not np.isfinite(last).any():
        return Reason.NOT_FINITE, f"the last {len(last)} losses are not finite, since {count(curve.tokens[-len(last)])} {unit}"
    if len(seen) < FEWEST:
        return None
    return _climbed(seen, turn, turned_up) or (None if turned_up and turn.settled else _swings(seen))


def _climbed(seen: Bins, turn: TurnUp, turned_up: bool) -> tuple[Reason, str] | None:
    """A loss far above its best: above where it began, most of what was gained lost again, or jumped."""
    start, best, level = _levels(seen)
    score = (level - best) / max(_calm(seen) * (2 / 3) ** 0.5, 1e-9 * abs(best), 1e-300)
    if score < HIGH or len(seen) - seen.best <= LAST:
        return None
    if level > start + LARGE * abs(start) and not (turned_up and turn.settled):
        score = "" if seen.best else " (a score that should rise is given as its negative)"
        return Reason.DIVERGING, f"the loss is {words(level)}, above the {words(start)} it began with{score}"
    if turned_up:
        return None
    if start > best and level - best > LOST * (start - best):
        lost = share((level - best) / (start - best))
        return Reason.DIVERGING, f"the loss is {words(level)} after a best of {words(best)}: {lost} of all that was gained is lost"
    if turn.jump and turn.rise > LARGE:
        times = f"{score:.0f} times" if score < MOST else "far above"
        return Reason.SPIKE, f"the loss jumped from {words(best)} to {words(level)}, {times} its noise, and has not come back"
    return None


def _swings(seen: Bins) -> tuple[Reason, str] | None:
    """Swings from bin to bin that drown what was gained, or that have grown while much of it was lost."""
    start, best, level = _levels(seen)
    gained = max(start - best, 0.0)
    swing = noise(seen.loss[len(seen) // 2 :])
    wild = swing > LARGE * abs(level) and len(seen) >= 2 * FEWEST
    drowned = swing > SWING * gained and not _still_falls(seen, swing)
    grown = swing > max(GROWN * _calm(seen), SWING_GROWN * gained) and level - best > LOST_GROWN * gained
    if not wild or not (drowned or grown):
        return None
    since = f"{words(gained)} gained" if gained else "nothing gained"
    return Reason.UNSTABLE, f"the loss swings by {words(swing)} about {words(level)}, with {since} since the start"


def _still_falls(seen: Bins, swing: float) -> bool:
    """Whether the last quarter lies below the one before, beyond its swings."""
    quarter = max(len(seen) // 4, 3)
    before, after = np.median(seen.loss[-2 * quarter : -quarter]), np.median(seen.loss[-quarter:])
    return bool(before - after > 3 * swing * (2 / quarter) ** 0.5)


def _levels(seen: Bins) -> tuple[float, float, float]:
    """Where the loss began, its best, and where it is."""
    return float(seen.smooth[0]), float(seen.smooth[seen.best]), float(np.median(seen.loss[-LAST:]))


def _calm(seen: Bins) -> float:
    """The noise of the calmer half of the run."""
    half = len(seen) // 2
    halves = [noise(part) for part in (seen.loss[:half], seen.loss[half:]) if len(part) >= FEWEST]
    return min([seen.noise, *halves])
