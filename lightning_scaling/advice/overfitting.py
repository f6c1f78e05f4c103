"""Has the loss turned up? A test on the curve itself: how far above its best, how steadily climbing, for how long, given its noise.

Two independent scores are added: the level of the latest third since the best against the best, and the slope of all since the best; each
in standard deviations of the curve's own noise. A recovering spike is high but falls, a plateau neither rises nor climbs; only a run that
is overfitting, or whose rate is too high, does both.

The proof asked for depends on the prior. Data repeated more than four times is expected to turn up sooner or later (Muennighoff et al. 2023
find up to four epochs nearly as good as fresh data, and decline after), so one in a thousand is proof enough, and on runs of little noise
a remaining decay has never been seen to undo it (in small regressions with more than 1 % of noise it did, by 1 to 16 %). Without
repetition, or with such noise, a rise is unexpected: it must be one in a million in autocorrelated noise, larger than any rise the run has
recovered from, and larger than what the rest of the learning-rate schedule usually brings. With independent noise alone, a digitised GPT-3
run was called that recovered by .8 % within a twelfth of its budget.
"""

from dataclasses import dataclass

import numpy as np

from lightning_scaling.advice.bins import Bins
from lightning_scaling.arrays import Floats

SCORE_REPEATED, SCORE_SURPRISE = 3.09, 4.75  # one in a thousand, one in a million
LASTING_REPEATED, LASTING_SURPRISE = 0.03, 0.05  # share of the budget since the best
LASTING_JUMP = 0.25  # a jump that has not come back for so long is no spike
LASTING_HIGH_RATE, HIGH_RATE = 0.15, 0.5  # with so much of the peak still to fall, a rise is often the rate's own and the decay undoes it
BEYOND_DOUBT = 10.0  # standard deviations
FEWEST_SURPRISE = 6  # losses since the best: three of them, climbing, ended a run that recovered by 7 %
EACH = 1.5  # the least that level and slope must show apart
REPEATED = 4.0  # epochs
CALM = 0.01  # noise up to which that expectation has been measured
USUAL_DROP = 0.035  # of the loss, what annealing from the peak to zero brings: geometric mean over real runs
STEPS = 6.0  # standard deviations of a single step that is a jump
HALF, NEARLY_ALL, FEWEST_ABOVE = 0.5, 0.95, 12  # of the budget; of the bins in it; so many bins
FAR_ABOVE = 1.0  # of the first loss: a run so far above it is at fault, which is to be looked into


@dataclass(frozen=True)
class TurnUp:
    """What the loss has done since its best.

    Args:
        rise: of the latest bins above the best, relative to the best.
        level, slope: the two scores in standard deviations.
        since: tokens at the best; lasting: share of the token budget since then; losses: how many since then.
        earlier: the largest relative rise that the run has recovered from.
        jump: the rise took one step, so it is a spike or a break.
        correlated: how many times larger the noise is that does not average out over several bins.
        noise: of one bin, relative to the best.
        above_start: it jumped and has stayed above its first loss for the last half of the token budget: all of it has gained nothing.
    """

    rise: float = 0.0
    level: float = 0.0
    slope: float = 0.0
    since: float = 0.0
    lasting: float = 0.0
    losses: int = 0
    earlier: float = 0.0
    jump: bool = False
    correlated: float = 1.0
    noise: float = 0.0
    above_start: bool = False

    @property
    def score(self) -> float:
        """Both together, a standard deviation again."""
        return (self.level + self.slope) / 2**0.5

    def expected(self, epochs: float | None) -> bool:
        """Whether a turn-up is to be expected: data repeated often, in noise of the kind that it has been seen in."""
        return epochs is not None and epochs >= REPEATED and self.noise < CALM

    def proven(self, epochs: float | None, decay_left: float) -> bool:
        """Whether this is a turn-up.

        Args:
            epochs: passes over the data, None where it is not known to repeat.
            decay_left: share of the peak rate still to fall.
        """
        if self.above_start:
            return True
        if (self.jump and self.lasting < LASTING_JUMP) or min(self.level, self.slope) < EACH:
            return False
        if self.expected(epochs):
            return self.score > SCORE_REPEATED and self.lasting >= LASTING_REPEATED and self.rise > self.earlier
        asked = LASTING_SURPRISE if decay_left <= HIGH_RATE else LASTING_HIGH_RATE
        return self.lasting >= asked and self.losses >= FEWEST_SURPRISE and self._beyond_chance(decay_left)

    @property
    def lasts(self) -> bool:
        """Whether it is so clear in its present noise, and so old, that no forecast is asked whether the rest of the decay will undo it.

        A rate too high that a decay heals swings; a run that has settled calmly above its best for so long was never seen to come back.
        """
        return self.lasting >= LASTING_JUMP and self.score / self.correlated > BEYOND_DOUBT

    @property
    def settled(self) -> bool:
        """Whether it jumped once and has been calm since, or has been lost for half of the budget: the divergence is over."""
        return self.above_start or (self.jump and self.lasts and self.noise < CALM)

    def _beyond_chance(self, decay_left: float) -> bool:
        return self.score / self.correlated > SCORE_SURPRISE and self.rise > max(1.5 * self.earlier, USUAL_DROP * decay_left)


def turn_up(seen: Bins) -> TurnUp:
    """How the loss since its best compares with it.

    >>> import numpy as np
    >>> from lightning_scaling.advice.bins import binned
    >>> from lightning_scaling.run.curve import Curve
    >>> x = np.linspace(1, 100, 100)
    >>> falling, turning = Curve(x, 2 + 1 / x), Curve(x, 2 + 1 / x + np.maximum(x - 50, 0) / 500 + 1e-3 * np.cos(9 * x))
    >>> turn_up(binned(falling, 100)).proven(None, 0.0), turn_up(binned(turning, 100)).proven(None, 0.0)
    (False, True)
    """
    best = seen.best
    floor = float(seen.smooth[best]) if len(seen) else 0.0
    above = seen.loss[best + 1 :] - floor
    if len(seen) < 8 or len(above) < 3:
        return TurnUp()
    scale, unit = abs(floor) or 1.0, seen.noise or 1e-9 * abs(floor) or 1e-300
    last = above[-max(3, len(above) // 3) :]
    level = float(np.median(last))
    jump = _jumped(seen.loss[best:], level, unit)
    return TurnUp(
        rise=level / scale,
        level=level / (unit * (1 / len(last) + 1 / 3) ** 0.5),
        slope=_slope_score(above, unit),
        since=float(seen.tokens[best]),
        lasting=float((seen.tokens[-1] - seen.tokens[best]) / seen.budget),
        losses=len(above),
        earlier=_recovered(seen.smooth[: best + 1]) / scale,
        jump=jump,
        correlated=max(seen.correlated_noise / unit, 1.0),
        noise=seen.noise / scale,
        above_start=jump and _above_start(seen),
    )


def _above_start(seen: Bins) -> bool:
    """Swings may dip below the start now and then; a level within the noise of it has lost nothing."""
    since = seen.tokens[-1] - HALF * seen.budget
    late, start = seen.loss[seen.tokens > since], float(seen.smooth[0])
    if since < seen.tokens[0] or len(late) < FEWEST_ABOVE:
        return False
    level = float(np.median(late)) - start
    return bool(np.mean(late > start) >= NEARLY_ALL and seen.noise < level < FAR_ABOVE * abs(start))


def _slope_score(above: Floats, unit: float) -> float:
    along = np.arange(len(above)) - (len(above) - 1) / 2
    return float(along @ above) / float((along @ along) ** 0.5 * unit)


def _recovered(smooth: Floats) -> float:
    """The largest rise above the running best before the best of all, the early quarter left out."""
    rises = smooth - np.minimum.accumulate(smooth)
    return float(rises[len(rises) // 4 :].max())


def _jumped(loss: Floats, level: float, unit: float) -> bool:
    largest = float(np.diff(loss).max())
    return largest > STEPS * 2**0.5 * unit and largest > level / 2
