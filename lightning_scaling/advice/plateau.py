"""Is there anything left to gain? A statement about the compute to come, never about how many checks went by without a new best.

A plateau is called when the loss to be gained over the compute to come lies below a threshold with a stated probability. That is
the rest of the token budget, and at least a quarter of what has been trained: near the end of any budget the rest brings little
because it is short, which is no plateau. The threshold is relative: the noise of a bin, at least a tenth and at most half a percent.

The curve at its present rate decides (`gain.py`), with what the forecast expects where the rate never fell. Its later half must agree, and
the forecast must not contradict: a plateau that it all but rules out is not called, so the two never state opposite things. Where a decay
of the rate remains only the forecast, which counts the decay, gives the probability, and nothing is called.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from lightning_scaling.advice.economics import Economics
from lightning_scaling.advice.gain import Gain
from lightning_scaling.forecasting import Forecast
from lightning_scaling.numbers import count, share
from lightning_scaling.numbers import pf_days as words_of
from lightning_scaling.units import pf_days

SHORTEST = 0.25  # of the tokens so far
AGREES = 0.7  # probability by the later half of the curve that a plateau needs once, now or when it was younger
ALLOWS = 0.3  # and below which the later half contradicts it
LEAST_PRINTED = 1e-5
RULED_OUT = 0.02  # probability below which the forecast rules a plateau out


@dataclass(frozen=True)
class Plateau:
    """What the compute to come would bring.

    Args:
        gain: relative gain until `until`; low, high: its interval.
        threshold: the smallest gain that counts.
        chance: probability that the gain is smaller than that; NaN where it is not known.
        until: tokens up to which the gain is asked for.
        called: the chance is at least what the user asked for.
        late: the chance by the later half of the curve alone.
    """

    gain: float
    low: float
    high: float
    threshold: float
    chance: float
    until: float
    called: bool
    late: float


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
        most = f" (at most {share(self.at_most)})" if self.at_most >= LEAST_PRINTED else ""
        return f"plateau: {what} expected to bring {gained(self.gain)}{most} for {cost}"


def gained(gain: float) -> str:
    """A relative gain in words; digits beyond a thousandth of a percent state nothing.

    >>> gained(0.00042), gained(3.5e-18)
    ('0.042 %', 'less than 0.001 %')
    """
    return share(gain) if gain >= LEAST_PRINTED else f"less than {share(LEAST_PRINTED)}"


def horizon_of(now: float, planned: float) -> float:
    """Tokens up to which a gain is asked for.

    >>> horizon_of(40, 100), horizon_of(96, 100)
    (100, 120.0)
    """
    return max(planned, (1 + SHORTEST) * now)


@dataclass(frozen=True, eq=False)
class Horizon:
    """Up to where a plateau is asked for, and what the forecast expects until then.

    Args:
        until: tokens up to which the gain is asked for.
        now: level of the loss, in its unit: what gains are relative to.
        expected: forecast of the gain until then, in the loss's unit, and its standard deviation; NaN where there is no forecast.
        level: of the interval.
    """

    until: float
    now: float
    expected: tuple[float, float]
    level: float = 0.9


def plateau(horizon: Horizon, curve: tuple[Gain, Gain] | None, noise: float, economics: Economics) -> Plateau:
    """Whether the loss falls by less than counts until the horizon.

    Args:
        curve: the gain read off the curve, by all of it and by its later half; None where a decay is to come or the rate has just changed.
        noise: of one bin, in the loss's unit.
    """
    scale = abs(horizon.now) or 1.0
    threshold = economics.smallest_gain(noise / scale)
    gain, error = horizon.expected
    forecast = float(ndtr((threshold * scale - gain) / error))
    if curve is None:
        side = error * float(ndtri((1 + horizon.level) / 2))
        return Plateau(gain / scale, (gain - side) / scale, (gain + side) / scale, threshold, forecast, horizon.until, False, 0.0)
    chance, late = flatness(curve, threshold * scale)
    chance = min(chance, forecast) if forecast < RULED_OUT else chance
    middle, low, high = (each / scale for each in curve[0].interval(horizon.level))
    return Plateau(middle, low, high, threshold, chance, horizon.until, chance >= economics.probability, late)


def flatness(curve: tuple[Gain, Gain] | None, threshold: float) -> tuple[float, float]:
    """Probability by the curve that the gain is below `threshold`, and by its later half alone; what that contradicts is no plateau.

    Zero where the curve leaves it open.
    """
    if curve is None:
        return 0.0, 0.0
    whole, late = (each.below(threshold) for each in curve)
    return (whole if late >= ALLOWS else min(whole, late)), late


def forecast_gain(forecast: Forecast, index: int) -> tuple[float, float]:
    """(gain, standard deviation) from the first place of a forecast to that at `index`, in the loss's unit; NaN without an interval."""
    here, end, low = (float(np.asarray(v)[i]) for v, i in ((forecast.loss, 0), (forecast.loss, index), (forecast.low, index)))
    return here - end, _one_sided(end, low, forecast)


def _one_sided(loss: float, low: float, forecast: Forecast) -> float:
    """Standard deviation towards lower losses; the noise of the single evaluation at the end is no gain, so it is taken out."""
    z = float(ndtri((1 + forecast.level) / 2))
    noise = float(np.nan_to_num(forecast.noise)) * abs(loss)
    if low != low:
        return low
    whole = max((loss - low) / z, 1e-12 * abs(loss), 1e-300)
    return float(max(np.sqrt(max(whole - noise, 0.0)) * np.sqrt(whole + noise), 0.3 * whole))
