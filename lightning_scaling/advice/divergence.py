"""Is something wrong with the run? Losses that are not finite, a jump that has not come back, a climb back to where it began.

A spike that has recovered is no trouble, and a proven slow turn-up is over-fitting, judged elsewhere.
"""

import numpy as np

from lightning_scaling.advice.bins import Bins
from lightning_scaling.advice.overfitting import TurnUp
from lightning_scaling.advice.verdict import Reason
from lightning_scaling.numbers import count
from lightning_scaling.run.curve import Curve

LOST = 0.5  # share of all that was gained
LARGE = 0.01  # relative rise: a step of a tenth of a percent may be many times a tiny noise and is still nothing to look into
HIGH = 10.0  # standard deviations that the latest stretches lie above the best
LAST = 3  # losses that must all be non-finite


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
    if len(seen) < 8 or turn.level < HIGH:
        return None
    start, best, level = float(seen.smooth[0]), float(seen.smooth[seen.best]), float(np.median(seen.loss[-LAST:]))
    if level > start:
        return Reason.DIVERGING, f"the loss is {level:.4g}, above the {start:.4g} it began with"
    return None if turned_up else _not_back(level, best, start - best, turn)


def _not_back(level: float, best: float, gained: float, turn: TurnUp) -> tuple[Reason, str] | None:
    """A loss far above its best: most of what was gained is lost again, or it jumped."""
    if gained > 0 and level - best > LOST * gained:
        lost = f"{100 * (level - best) / gained:.0f} % of all that was gained is lost"
        return Reason.DIVERGING, f"the loss is {level:.4g} after a best of {best:.4g}: {lost}"
    if turn.jump and turn.rise > LARGE:
        return Reason.SPIKE, f"the loss jumped from {best:.4g} to {level:.4g}, {turn.level:.0f} times its noise, and has not come back"
    return None
