"""Is there anything left? A statement about the future in compute, never about how many checks went by without a new best.

Two witnesses. The forecast, which expects power laws and is slow to be sure of a floor. And the curve itself: at a rate that no longer
changes, losses fall convexly in the logarithm of compute, so the next stretch cannot bring more than the last one that was as long in
proportion; how much that was is read off the curve with its noise. The curve is heard where the middle of the forecast agrees, or where it
shows less than half the threshold with two standard errors to spare. Without that condition a spiky real run (T5 on the Pile), flat for a
fifth of its plan, was stopped 1.8 % too high.

The next stretch is the rest of the plan, and at least a quarter of what has been trained: near the end of any plan the rest brings little
because it is short, which is no plateau. A plateau is called when the loss gained over that stretch lies below a threshold with a stated
probability. The threshold is relative and never below what the noise of one evaluation hides.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from lightning_scaling.advice.economics import Economics
from lightning_scaling.advice.stretches import Stretches

SHORTEST = 0.25  # of the tokens so far
CERTAIN = 2.0  # standard errors
WINDOW = 5  # stretches that a level is averaged over, at least


@dataclass(frozen=True)
class Plateau:
    """Args:
    gain: expected relative gain over the stretch; low, high: its interval.
    threshold: the smallest gain that counts.
    chance: probability that the gain is smaller than that.
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


def stretch_end(now: float, planned: float) -> float:
    """Tokens up to which a gain is asked for.

    >>> stretch_end(40, 100), stretch_end(96, 100)
    (100, 120.0)
    """
    return max(planned, (1 + SHORTEST) * now)


def plateau(seen: Stretches, now: float, until: float, forecast: Any, index: int, economics: Economics) -> Plateau:
    """Whether the loss falls by less than counts from `now` (its level, unit of the loss) to `forecast`'s point `index`."""
    end, low, high = (float(np.asarray(v)[index]) for v in (forecast.loss, forecast.low, forecast.high))
    spread = one_sided(end, low, forecast)
    scale = abs(now) or 1.0
    threshold = economics.smallest_gain(seen.noise / scale)
    expected = float(ndtr((end - (now - threshold * scale)) / spread))
    gained, error = last_gain(seen, until / float(seen.tokens[-1]))
    if expected >= 0.5 or gained + CERTAIN * error < threshold * scale / 2:
        expected = max(expected, float(ndtr((threshold * scale - gained) / error)))
    called = expected >= economics.probability
    return Plateau((now - end) / scale, (now - high) / scale, (now - low) / scale, threshold, expected, until, called)


def last_gain(seen: Stretches, ratio: float) -> tuple[float, float]:
    """(fall, its standard error) in the loss's unit over the last stretch that is `ratio` long in proportion; infinite before it was seen.

    >>> import numpy as np
    >>> from lightning_scaling.advice.stretches import stretches
    >>> from lightning_scaling.curve import Curve
    >>> x = np.linspace(1, 100, 100)
    >>> round(last_gain(stretches(Curve(x, 5 - np.log2(x)), 200), 2.0)[0], 1)
    1.0
    """
    width = max(WINDOW, len(seen) // 10)
    then = int(np.searchsorted(seen.tokens, (seen.tokens[-1] + seen.tokens[-width]) / 2 / ratio)) if len(seen) > width else 0
    if then < width // 2 + 1 or then + width // 2 >= len(seen):
        return np.inf, 1.0
    before, after = seen.loss[then - width // 2 : then + width // 2 + 1], seen.loss[-width:]
    error = max(seen.noise, 1e-12 * abs(float(after[-1])), 1e-300) * (1 / len(before) + 1 / len(after)) ** 0.5
    return float(before.mean() - after.mean()), error


def one_sided(loss: float, low: float, forecast: Any) -> float:
    """Standard deviation towards lower losses; the noise of the single evaluation at the end is no gain, so it is taken out."""
    z = float(ndtri((1 + forecast.level) / 2))
    noise = float(forecast.noise) * abs(loss)
    whole = max((loss - low) / z, 1e-12 * abs(loss), 1e-300)
    return float(np.sqrt(max(whole**2 - noise**2, (0.3 * whole) ** 2)))
