"""The annealing law and the plain laws in one answer, weighed and widened by what each would have missed in the run's own past.

The annealing law is given the share g = 1/(1 + (o/s)²), o its root mean square miss in the backtest; the rest goes to the median of it
and the plain laws. On language models g is near 1; on curves that no annealing law describes it is near 0. The scale s is larger where much
annealing remains, for there the plain laws are wrong for certain.
"""

from collections.abc import Sequence

import numpy as np

from lightning_scaling.arrays import Floats, median
from lightning_scaling.forecasting.backtest import Cut
from lightning_scaling.forecasting.distributions import NINETY, SplitStudent
from lightning_scaling.forecasting.observed import Observed

FINE, COARSE = 0.01, 0.05  # s, log loss: where the rate stays, where more than MUCH of an annealing remains; .02 and .08 were alike
MUCH = 0.1
SHARE = 0.035  # of the fall per e-fold, added to s in quadrature: a loss that falls by decades may be missed by more
UNTESTED = 0.65  # g where no cut left enough points
# Scales of both sides, fitted by a Student likelihood to 22 sources of published runs, each counted once, all of them in view; then rounded
# and set to hold nine ends of ten on those. Sources were left out in turn to choose the form of the widths only (docs/decisions.md).
TRUSTED = 0.92  # of the law's own half width where it is trusted
TRUSTED_BLIND = 0.75  # the same without a schedule, where an unknown drop is added
LAW_BELOW, MISSED_BELOW, APART_BELOW = 0.9, 0.23, 1.4  # of: the law's width, the backtest's misses, the distance to the lowest law
LAW_ABOVE, MISSED_ABOVE, APART_ABOVE = 0.45, 0.9, 0.55  # the same upwards
LEAST_WIDE = 0.25  # of the law's width is kept where the combination missed by so much less than the law
NEAR = 0.36  # e-folds of tokens, the distance of the nearest cut: nearer places have the root of their share of its miss
DROP = 0.03  # log loss by which an unknown schedule may end a run lower
FLATTER, FLATTENED, MOST_FLAT = 0.5, 3.0, 0.2  # a late slope below half of the mean one: over-fitting may follow
STEEPER, STEEPENED, MOST_STEEP = 1.2, 2.0, 0.5  # a late slope above 1.2 times the mean one: the loss is no power law of tokens
RISING = 0.15  # log loss per e-fold, for a loss that has turned up
FALLEN, MOVED = 0.3, 0.03  # log loss a floor is known after; share of it that the loss may still move per e-fold
LATE, MOSTLY = 0.25, 0.75  # of the tokens seen, over which the late and the mean slope are read


def trust(cuts: Sequence[Cut], remaining: Floats, fall: float = 0.0) -> Floats:
    """(m,) share g given to the annealing law at each place, for a loss that falls by `fall` per e-fold."""
    if not cuts:
        return np.full(len(remaining), UNTESTED)
    missed = np.sqrt(np.mean([cut.law**2 for cut in cuts]))
    scale = np.hypot(np.where(remaining > MUCH, COARSE, FINE), SHARE * fall)
    return np.asarray(1 / (1 + (missed / scale) ** 2))


def combined(law: Floats, plain: Floats, cuts: Sequence[Cut], observed: Observed, remaining: Floats, turned: bool) -> SplitStudent:
    """The distribution of the fitted loss at m places.

    Args:
        law: (3, m) median, 5 % and 95 % quantile of the annealing law's forecast.
        plain: (5, m) the plain laws' forecasts.
        cuts: the backtest.
        observed: what they were made from; its places are the m.
        remaining: (m,) annealing still to be gained.
        turned: the loss has turned up.
    """
    middle, low, high = law
    g = trust(cuts, remaining, _fall(observed, MOSTLY))
    laws = np.vstack([middle, plain])
    centre = g * middle + (1 - g) * np.median(laws, axis=0)
    missed = _missed(cuts, g)
    better = np.clip(missed / max(_missed(cuts, np.ones(1))[0], 1e-9), LEAST_WIDE, 1.0) if cuts else np.ones_like(g)
    distance = np.log(np.maximum(observed.tokens_at / observed.tokens[-1], 1.0))
    missed = missed * np.sqrt(np.minimum(distance / NEAR, 1.0))
    blind = observed.gain.shape[1] == 1
    own = (TRUSTED_BLIND if blind else TRUSTED) / NINETY
    wide = (np.maximum(middle - low, 1e-9), np.maximum(high - middle, 1e-9))
    apart = (np.maximum(centre - laws.min(0), 0.0), np.maximum(laws.max(0) - centre, 0.0))
    below = _root(LAW_BELOW * better * wide[0] / NINETY, MISSED_BELOW * missed, APART_BELOW * apart[0])
    above = _root(LAW_ABOVE * better * wide[1] / NINETY, MISSED_ABOVE * missed, APART_ABOVE * apart[1])
    below, above = ((own * w) ** g * s ** (1 - g) for w, s in zip(wide, (below, above), strict=True))
    down, up = (most * distance for most in _bends(observed, turned))
    down = down * (1 - _spent(observed, remaining))
    unknown = DROP * -np.expm1(-distance) if blind else np.zeros_like(distance)
    below, above = _root(below, down, unknown), _root(above, up)
    most = _settled(observed, centre)
    return SplitStudent(centre, np.minimum(below, most), np.minimum(above, most))


def _root(*parts: Floats) -> Floats:
    return np.asarray(np.sqrt(sum(part**2 for part in parts) + 1e-12))


def _missed(cuts: Sequence[Cut], g: Floats) -> Floats:
    """(m,) root mean square of what the combination itself would have missed."""
    if not cuts:
        return np.zeros_like(g)
    off = np.array([g * cut.law + (1 - g) * median(np.r_[cut.law, cut.plain]) for cut in cuts])
    return np.asarray(np.sqrt((off**2).mean(0)))


def _settled(observed: Observed, centre: Floats) -> Floats:
    """(m,) largest scale for a loss that fell by much and has then been flat for half of what was seen: its floor is known."""
    y, late = observed.loss + observed.offset, observed.tokens >= 0.5 * observed.tokens[-1]
    level = median(y[late])
    fallen = float(y[0]) - level
    if fallen < FALLEN or abs(_fall(observed, 0.5)) > MOVED * fallen:
        return np.full(len(centre), np.inf)
    return _root(np.full(len(centre), observed.noise + float(np.ptp(y[late]))), 2 * np.abs(centre - level))


def _bends(observed: Observed, turned: bool) -> tuple[float, float]:
    """Log loss per e-fold by which a curve that steepens may end lower, and one that flattens or has turned up higher."""
    late, mean = _fall(observed, LATE), _fall(observed, MOSTLY)
    steeper = STEEPENED * min(max(late - STEEPER * mean, 0.0), MOST_STEEP) if mean > 0 else 0.0
    flat = float(np.clip((FLATTER - late / max(mean, 1e-4)) / FLATTER, 0.0, 1.0))
    flatter = flat * min(FLATTENED * abs(late - mean), MOST_FLAT)
    return steeper, float(np.hypot(flatter, RISING if turned else 0.0))


def _spent(observed: Observed, remaining: Floats) -> Floats:
    """(m,) how far a late fall is that of a decay which is over, and ends with it.

    1 where the last `LATE` of what was seen brought more than `MUCH` of an annealing and less than half as much remains; 0 where as much
    does.
    """
    late = observed.tokens >= (1 - LATE) * observed.tokens[-1]
    brought = max(float((observed.gain[-1] - observed.gain[late][0]).mean()), 1e-12)
    return np.asarray(min(brought / MUCH, 1.0) * np.clip(2 - 2 * remaining / brought, 0.0, 1.0))


def _fall(observed: Observed, share: float) -> float:
    """Fall of the loss per e-fold of tokens over the last `share` of what was seen."""
    last = max(int((observed.tokens >= (1 - share) * observed.tokens[-1]).sum()), 4)
    x, y = np.log(observed.tokens[-last:]), (observed.loss + observed.offset)[-last:]
    return float(-(x - x.mean()) @ (y - y.mean()) / max(float((x - x.mean()) @ (x - x.mean())), 1e-12))
