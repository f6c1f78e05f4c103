"""Is there anything left? A statement about the future in compute, never about how many checks went by without a new best.

Two witnesses, each heard as far as it is sure (weights of one over the squared error). The forecast, which expects power laws and is slow
to be sure of a floor. And the curve itself: since the rate has settled where it is, losses fall convexly in the logarithm of compute, so
the next stretch cannot bring more than the latest pace carried on; its error is that of a slope in noise that may correlated_noise (with
independent noise, a spiky T5 run on the Pile, flat for a fifth of its plan, was stopped 1.8 % too high). A rate that has settled only
lately leaves the curve nothing to say, and then no plateau is called.

The next stretch is the rest of the plan, and at least a quarter of what has been trained: near the end of any plan the rest brings little
because it is short, which is no plateau. A plateau is called when the loss gained over that stretch lies below a threshold with a stated
probability. The threshold is relative: the noise of a stretch, at least a tenth and at most half a percent.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from lightning_scaling.advice.bins import Bins
from lightning_scaling.advice.economics import Economics
from lightning_scaling.arrays import Floats
from lightning_scaling.numbers import count, share
from lightning_scaling.numbers import pf_days as words_of
from lightning_scaling.units import pf_days

SHORTEST = 0.25  # of the tokens so far
WINDOWS = (1, 2, 4)  # a half too: calls come 3 % of the plan sooner, and two of 160 small trainings were stopped at a dip
FEWEST = 6  # stretches that make a pace
FARTHEST = 3.0  # times its own length that a pace is carried on


@dataclass(frozen=True)
class Plateau:
    """What the next stretch of compute would bring.

    Args:
        gain: relative gain over the stretch that the estimators agree on; low, high: its interval.
        threshold: the smallest gain that counts.
        chance: probability that the gain is smaller than that; NaN where it is not known.
        until: tokens at the end of the stretch.
        called: the chance is at least what the user asked for.
    """

    gain: float
    low: float
    high: float
    threshold: float
    chance: float
    until: float
    called: bool


@dataclass(frozen=True)
class PlateauCall:
    """A plateau that is flagged: `str()` is its line.

    Args:
        tokens: at which it is called.
        gain, at_most: relative gain expected of the remaining compute, and the most within the interval.
        remaining_tokens, remaining_flops: what that costs; None where a token's cost is not known.
        unit: what is counted as tokens.
        rest_of_budget: the remaining tokens are those of the budget; otherwise the budget is nearly spent and a quarter more is meant.

    >>> print(PlateauCall(2e9, 4e-4, 1e-3, 1e9, 6e12))
    plateau: the rest of the budget is expected to bring 0.04 % (at most 0.1 %) for 6.94e-8 PF-days
    """

    tokens: float
    gain: float
    at_most: float
    remaining_tokens: float
    remaining_flops: float | None = None
    unit: str = "tokens"
    rest_of_budget: bool = True

    def __str__(self) -> str:
        what = "the rest of the budget is" if self.rest_of_budget else f"the next {count(self.remaining_tokens)} {self.unit} are"
        cost = f"{count(self.remaining_tokens)} {self.unit}" if self.remaining_flops is None else words_of(pf_days(self.remaining_flops))
        return f"plateau: {what} expected to bring {share(self.gain)} (at most {share(self.at_most)}) for {cost}"


def stretch_end(now: float, planned: float) -> float:
    """Tokens up to which a gain is asked for.

    >>> stretch_end(40, 100), stretch_end(96, 100)
    (100, 120.0)
    """
    return max(planned, (1 + SHORTEST) * now)


def plateau(seen: Bins, settled: float, now: float, until: float, forecast: Any, index: int, economics: Economics) -> Plateau:
    """Whether the loss falls by less than counts until `until`.

    Args:
        settled: tokens since which the rate has been where it is.
        now: level of the loss, in its unit: what gains are relative to.
        forecast: at several places, the first of them here, that of `until` at `index`.
    """
    here, end, low = (float(np.asarray(v)[i]) for v, i in ((forecast.loss, 0), (forecast.loss, index), (forecast.low, index)))
    scale = abs(now) or 1.0
    threshold = economics.smallest_gain(seen.noise / scale)
    gain, error = agreed((here - end, one_sided(end, low, forecast)), gain_bound(seen, settled, until))
    chance = float(ndtr((threshold * scale - gain) / error))
    side = error * float(ndtri((1 + forecast.level) / 2))
    called = chance >= economics.probability
    return Plateau(gain / scale, (gain - side) / scale, (gain + side) / scale, threshold, chance, until, called)


def agreed(*witnesses: tuple[float, float]) -> tuple[float, float]:
    """(gain, error) out of several, each heard as far as it is sure; one that has seen nothing (infinite gain) leaves all open.

    >>> agreed((1.0, 0.1), (0.0, 0.1))[0], agreed((1.0, 0.1), (float("inf"), 1.0))[0]
    (0.5, inf)
    """
    known = [(gain, error) for gain, error in witnesses if error == error]
    if not known:
        return float("nan"), float("nan")
    weight = sum(error**-2 for _, error in known)
    return sum(gain * error**-2 for gain, error in known) / weight, weight**-0.5


def gain_bound(seen: Bins, settled: float, until: float) -> tuple[float, float]:
    """(fall, its standard error) from the last token to `until` at the latest pace, in the loss's unit; infinite where unseen.

    The pace is read over the stretches since `settled`, as far back as the stretch to come is long in proportion, or twice or four times
    that; each bounds what comes, so the one that promises least, give or take its error, is taken.

    >>> from lightning_scaling.advice.bins import binned
    >>> from lightning_scaling.run.curve import Curve
    >>> x = np.linspace(1, 100, 100)
    >>> round(gain_bound(binned(Curve(x, 5 - np.log2(x)), 200), 0.0, 200.0)[0], 1)
    1.0
    """
    ratio, age = float(np.log(until / seen.tokens[-1])), np.log(seen.tokens / seen.tokens[-1])
    age, loss = age[seen.tokens > settled], seen.loss[seen.tokens > settled]
    unit = max(seen.correlated_noise, 1e-12 * abs(float(seen.loss[-1])), 1e-300)
    found = [_pace(age[age >= -times * ratio], loss[age >= -times * ratio], unit) for times in WINDOWS]
    bounds = [(ratio * pace, ratio * error) for pace, error, length in found if length >= ratio / FARTHEST]
    return min(bounds, key=sum, default=(np.inf, 1.0))


def _pace(age: Floats, loss: Floats, unit: float) -> tuple[float, float, float]:
    """(fall a unit of log tokens, its error, length in log tokens) of a straight line through these stretches."""
    if len(age) < FEWEST:
        return np.inf, 1.0, 0.0
    along = age - age.mean()
    spread = float(along @ along)
    return -float(along @ loss) / spread, unit / spread**0.5, -float(age[0])


def one_sided(loss: float, low: float, forecast: Any) -> float:
    """Standard deviation towards lower losses; the noise of the single evaluation at the end is no gain, so it is taken out."""
    z = float(ndtri((1 + forecast.level) / 2))
    noise = float(np.nan_to_num(forecast.noise)) * abs(loss)
    if low != low:
        return low
    whole = max((loss - low) / z, 1e-12 * abs(loss), 1e-300)
    return float(np.sqrt(max(whole**2 - noise**2, (0.3 * whole) ** 2)))
