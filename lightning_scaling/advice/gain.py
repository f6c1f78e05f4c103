"""What the loss still gains at its present learning rate, read off the curve: a posterior over power laws with a floor.

Since the rate has settled where it is, losses fall convexly in the logarithm of compute. Each law E + b·D^-β of a grid of exponents (β = 0:
a straight line in log tokens; large β: a relaxation that is nearly over) is fitted to the bins since then by least squares; its gain
until `until` is linear in b, so it has a mean and an error. The laws are weighed by how well they fit in autocorrelated noise, and no
law may rise. The straight line alone bounds the gain, but with it true plateaus were called 20 to 36 % of the token budget late.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from lightning_scaling.advice.bins import Bins, correlated_noise, noise
from lightning_scaling.arrays import Floats

EXPONENTS = np.r_[0.0, np.geomspace(0.125, 16.0, 29)]  # coarser grids called plateaus too soon by picking one exponent
WINDOWS = (2.0, 4.0, 8.0)  # times the log length of what is asked for: the longest that the laws fit is read
FEWEST = 6  # bins that a law is fitted to
FEWEST_LATE = 4
FARTHEST = 6.0  # times its own log length that a law is extrapolated
TOLERATED = 2.0  # standard deviations of chi-squared by which a fit may be off


@dataclass(frozen=True, eq=False)
class Gain:
    """A mixture of normals, one per exponent, truncated at zero gain.

    Args:
        weight, mean, error: (k,) of each exponent, in the loss's unit.
        misfit: smallest chi-squared minus its degrees of freedom, in standard deviations.
    """

    weight: Floats
    mean: Floats
    error: Floats
    misfit: float

    def given(self, expected: float, deviation: float) -> "Gain":
        """The same once a forecast expects that gain, independently; unchanged where the forecast is NaN."""
        if not np.isfinite([expected, deviation]).all():
            return self
        variance = self.error**2 + deviation**2
        chance = np.log(np.maximum(self.weight, 1e-300)) - ((self.mean - expected) ** 2 / variance + np.log(variance)) / 2
        weight = np.exp(chance - chance.max())
        mean = (self.mean * deviation**2 + expected * self.error**2) / variance
        return Gain(weight / weight.sum(), mean, self.error * deviation / np.sqrt(variance), self.misfit)

    def below(self, threshold: float) -> float:
        """Probability that the gain is smaller than `threshold`."""
        risen = ndtr(-self.mean / self.error)
        share = np.maximum(1 - risen, 1e-9)
        within = np.where(1 - risen < 1e-9, 1.0, (ndtr((threshold - self.mean) / self.error) - risen) / share)
        return float(np.clip(self.weight * share @ within / (self.weight @ share), 0.0, 1.0))

    def interval(self, level: float) -> tuple[float, float, float]:
        """(mean, low, high) of the mixture as one normal, none of them below zero."""
        mean = float(self.weight @ self.mean)
        spread = float(self.weight @ (self.error**2 + (self.mean - mean) ** 2)) ** 0.5 * float(ndtri((1 + level) / 2))
        return max(mean, 0.0), max(mean - spread, 0.0), max(mean + spread, 0.0)


def remaining_gain(seen: Bins, settled: float, until: float, unit: float) -> tuple[Gain, Gain] | None:
    """The gain from the last bin to `until`: by all bins since the rate has settled, and by the later half of them; None for too few.

    Args:
        settled: tokens since which the rate has been where it is.
        unit: standard deviation of a bin's loss, such that means of n bins have errors of unit/√n.

    >>> from lightning_scaling.advice.bins import binned
    >>> from lightning_scaling.run.curve import Curve
    >>> x = np.linspace(1, 100, 100)
    >>> whole, late = remaining_gain(binned(Curve(x, 5 + x**-0.5), 100), 0.0, 200.0, 1e-5)
    >>> round(whole.interval(0.9)[0], 4), round(0.01**0.5 - 0.005**0.5, 4)
    (0.0293, 0.0293)
    """
    kept = seen.tokens > settled
    age, loss = np.log(seen.tokens[kept] / seen.tokens[-1]), seen.loss[kept]
    ratio = float(np.log(until / seen.tokens[-1]))
    unit = max(unit, 1e-12 * abs(float(seen.loss[-1])), 1e-100)
    whole = None
    for window in WINDOWS:
        read = age >= -window * ratio
        if read.sum() < FEWEST or -age[read][0] < ratio / FARTHEST:
            continue
        found = _fitted(age[read], loss[read], unit, ratio)
        whole = found if whole is None or found.misfit <= TOLERATED else whole
    return None if whole is None else (whole, _fitted(*_later(age, loss, ratio), unit, ratio))


def _later(age: Floats, loss: Floats, ratio: float) -> tuple[Floats, Floats]:
    """The later half, in log tokens, of the longest window."""
    start = max(float(age[0]), -max(WINDOWS) / 2 * ratio) / 2
    first = min(int(np.searchsorted(age, start)), len(age) - FEWEST_LATE)
    return age[first:], loss[first:]


def _fitted(age: Floats, loss: Floats, unit: float, ratio: float) -> Gain:
    """Every law of the grid, fitted and weighed."""
    steep = np.maximum(EXPONENTS, 1e-9)[:, None]
    shape = np.expm1(-steep * age) / steep
    shape = shape - shape.mean(axis=1, keepdims=True)
    square = np.maximum((shape**2).sum(axis=1), 1e-300)
    height = shape @ loss / square
    chi2 = ((((loss - loss.mean()) - height[:, None] * shape) / unit) ** 2).sum(axis=1)
    still = -np.expm1(-steep[:, 0] * ratio) / steep[:, 0]
    weight = np.exp(-(chi2 - chi2.min()) / 2)
    free = max(len(age) - 2, 1)
    return Gain(weight / weight.sum(), height * still, unit / square**0.5 * still, float(chi2.min() - free) / (2 * free) ** 0.5)


def noise_at_this_rate(seen: Bins, settled: float, fallen: bool) -> float:
    """The autocorrelated noise; after a fast decay that of the bins since, because the bend of the decay itself would count as noise.

    Args:
        fallen: the rate has fallen by a large share of its peak within the bins that the noise is read on.
    """
    loss = seen.loss[seen.tokens > settled]
    if not fallen or len(loss) < FEWEST:
        return seen.correlated_noise
    third = np.diff(loss, 3)
    return max(correlated_noise(loss), noise(loss), float(np.sqrt(np.mean(third**2) / 20)), min(seen.noise, seen.correlated_noise))
