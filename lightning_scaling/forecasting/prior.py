"""The prior of a run before its curve is seen: the exponent of its loss, and what annealing will take off it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.forecasting.observed import Observed

SLOPE, STEPS = 0.045, 2e4  # typical of the language models among the runs: the units of the slope and of the age in the prior of the drop
AGES = 100.0  # a run is at most so many times younger or older than that
FLATTEST = 1e-4  # slopes below count as this one


@dataclass(frozen=True)
class Prior:
    """The prior before a curve is seen: chosen over some forty sources of runs; alpha, alpha_spread, share and ageing by leaving each of
    22 sources out in turn (docs/decisions.md).

    Args:
        alpha, alpha_spread: log-normal of the exponent of the reducible loss, alpha + b in log loss (see `exponent`).
        drop: log loss that a full annealing takes off at slope SLOPE after STEPS steps at the peak; on finished runs it was .03 to .1.
        drop_spread, tails: scale and degrees of freedom of its log: Student's t, for families unlike those.
        share, ageing: powers of the drop in the slope, and of the slope's unit in the steps: a run's drop stays while its slope falls.
        steep, unsure: from slope `steep` to twice that, the spread grows by `unsure`: few such runs have been seen.
        quiet, rough, limit: noise is what annealing removes: above `quiet` the drop goes with the `rough` power of one point's noise
            (.0003 and .05 in language models, .02 and .4 in a small regression, .25 and 2 in a harder one). Flat noisy logs are mostly
            small batches: there the factor ends at `limit` times `quiet`, and only from slope `steep` to twice that it continues.
    """

    alpha: float = 0.63
    alpha_spread: float = 0.46
    drop: float = 0.047
    drop_spread: float = 0.45
    tails: float = 4.0
    share: float = 0.6
    ageing: float = 0.35
    steep: float = 0.1
    unsure: float = 1.3
    quiet: float = 1e-3
    rough: float = 0.25
    limit: float = 3.0

    def steepness(self, slope: Any) -> Any:
        """0 for the slopes of language models, 1 from twice `steep` on; shaped as `slope`."""
        return np.clip((slope - self.steep) / self.steep, 0.0, 1.0)

    def exponent(self, alphas: Floats, slope: Floats) -> Floats:
        """Log density of alpha. L = E + A·s^-a has slope b = a·(1 − E/L) in log L, and that falls as s^-(a − b): so a = alpha + b."""
        reducible = alphas + np.maximum(slope, 0.0)
        return np.asarray(-0.5 * (np.log(reducible / self.alpha) / self.alpha_spread) ** 2)

    def annealing(self, kappas: Floats, slope: Floats, observed: Observed) -> Floats:
        """Log density of the drop kappa·b: Student's t in its logarithm."""
        b = np.maximum(slope, FLATTEST)
        steep = self.steepness(b)
        age = float(np.clip(observed.steps / STEPS, 1 / AGES, AGES)) ** self.ageing
        noise = max(observed.noise / self.quiet, 1.0)
        rough = (min(noise, self.limit) * max(noise / self.limit, 1.0) ** steep) ** self.rough
        expected = rough * self.drop * (b / SLOPE * age) ** self.share
        spread = self.drop_spread + self.unsure * steep
        off = np.log(kappas * b / expected) / spread
        return np.asarray(-np.log(spread) - (self.tails + 1) / 2 * np.log1p(off**2 / self.tails))
