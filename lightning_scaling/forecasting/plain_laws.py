"""Plain laws through the late part of a curve, blind to the learning rate: second opinions, and what is left where the annealing law fails.

Five of them: a power law with a floor on the last three quarters and on the last half, an exponential to a floor on the last three
quarters, and straight lines in log loss over log tokens through the last half and fifth. Where the rate no longer matters the first
is hard to beat (.15 % median error at 70 % seen), and their mistakes are not the annealing law's.
"""

import numpy as np

from lightning_scaling.arrays import Floats, robust_spread
from lightning_scaling.forecasting.observed import Observed
from lightning_scaling.laws.power import scan

ALPHAS = np.geomspace(0.02, 6.0, 48)
FADES = np.geomspace(0.3, 30.0, 24)  # exponents of the exponential, per length of what has been seen
ROUNDS = 3
HUBER = 1.345  # robust standard deviations
FEWEST = 4  # points of a straight line
STEEPEST = 3.0  # log loss per log tokens


def plain_laws(seen: Observed) -> Floats:
    """(5, m) fitted loss that each plain law expects at the places asked for, the offset of repeated data included."""
    y = seen.units.logged(seen.loss + seen.offset) / seen.units.unit
    t, at = seen.tokens, seen.tokens_at
    late, half = t >= 0.25 * t[-1], t >= 0.5 * t[-1]
    curved = [
        _curved(_powers(t[late]), _powers(at), y[late], seen),
        _curved(_powers(t[half]), _powers(at), y[half], seen) if half.sum() > FEWEST else None,
        _curved(_fades(t[late]), _fades(at), y[late], seen),
    ]
    straight = [_straight(seen, share) for share in (0.5, 0.2)]
    found = [law for law in (*curved, *straight) if law is not None]
    return np.array(found)


def tail_law(seen: Observed) -> Floats:
    """(m,) what the power law with a floor through all kept points expects."""
    y = seen.units.logged(seen.loss + seen.offset) / seen.units.unit
    return _curved(_powers(seen.tokens), _powers(seen.tokens_at), y, seen)


def _powers(t: Floats) -> Floats:
    return np.asarray(t ** -ALPHAS[:, None])


def _fades(t: Floats) -> Floats:
    return np.asarray(np.exp(-FADES[:, None] * (t - 1.0)))


def _curved(shapes: Floats, shapes_at: Floats, y: Floats, seen: Observed) -> Floats:
    """A floor and a multiple of the best shape, by Huber weights; the last level where nothing falls."""
    weight, best, found = np.ones_like(y), 0, None
    for _ in range(ROUNDS):
        found = scan(shapes, y, weight, floored=seen.units.log)
        best = int(np.argmin(np.where(found.rise > 0, found.squares, np.inf)))
        off = np.abs(y - found.floor[best] - found.rise[best] * shapes[best])
        weight = np.minimum(1.0, HUBER * max(robust_spread(off), 1e-9) / np.maximum(off, 1e-300))
    assert found is not None
    if found.rise[best] <= 0:
        return np.full(shapes_at.shape[1], float(np.median(seen.loss[-3:])))
    return seen.units.fitted(seen.units.unit * (found.floor[best] + found.rise[best] * shapes_at[best]))


def _straight(seen: Observed, share: float) -> Floats:
    """A straight line in the fitted loss against log tokens over the last `share` of what was seen."""
    last = max(int((seen.tokens >= (1 - share) * seen.tokens[-1]).sum()), FEWEST)
    x, y, w = np.log(seen.tokens[-last:] / seen.tokens[-1]), (seen.loss + seen.offset)[-last:], seen.count[-last:]
    w = w / w.sum()
    middle, level = float(w @ x), float(w @ y)
    slope = float(w @ ((x - middle) * (y - level))) / max(float(w @ (x - middle) ** 2), 1e-12)
    return np.asarray(level + np.clip(slope, -STEEPEST, STEEPEST) * (np.log(seen.tokens_at / seen.tokens[-1]) - middle))
