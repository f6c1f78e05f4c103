"""How well the same laws would have foretold the present: the width of a forecast is earned on the run's own past.

The curve is cut at a third, a half and seven tenths of what has been observed, and each part is asked for the loss now. On 152 published runs
the misses were .5 of their claimed deviations at the median where the rate stays as it is; on small models, retrained or badly tuned
ones they were 2 to 4, and so were, later, the misses of the forecast itself. Their size is used and not their sign: how high or low a cut
had ended said nothing reliable about the forecast (correlations of -.46 to +.26 from one set of runs to the next).
"""

import numpy as np

from lightning_scaling.forecasting.rate_profile import RateProfile
from lightning_scaling.forecasting.law_forecast import LawForecast, predict
from lightning_scaling.forecasting.prior import Prior
from lightning_scaling.forecasting.screen import ENOUGH
from lightning_scaling.forecasting.observed import observe
from lightning_scaling.run.curve import Curve

CUTS = (0.35, 0.5, 0.7)  # shares of the tokens observed
FEWEST = 8  # points that a part must have
USUAL = 0.65  # deviations that a cut misses by, beforehand, worth one cut
LARGEST = 6.0  # deviations; more says no more
BARE, EARNED, WIDEST = 0.25, 1.4, 4.0  # the factor is the root of BARE² + (EARNED·surprise)², at most WIDEST
QUIET = 0.2  # annealing to come at which the past, which had none, is half as telling


def calibrated(found: LawForecast, curve: Curve, profile: RateProfile | None, gathered: int, prior: Prior) -> LawForecast:
    """The forecast with its width scaled by how surprised earlier ones would have been; `curve` and `gathered` as it was made from."""
    missed = [m for cut in CUTS if (m := _missed(curve.until(cut * curve.tokens[-1]), curve, profile, gathered, prior)) is not None]
    surprise = np.sqrt((USUAL**2 + sum(m**2 for m in missed)) / (1 + len(missed)))
    least = 0.0 if profile is not None else 1.0  # a past without a surprise says nothing of a profile that nobody told
    factor = float(np.clip(np.hypot(BARE, EARNED * surprise), least, WIDEST))
    return found.with_mixture(found.mixture.moved(0.0, factor ** (1 / (1 + found.remaining / QUIET)), 0.0))


def _missed(early: Curve, curve: Curve, profile: RateProfile | None, gathered: int, prior: Prior) -> float | None:
    """Deviations by which a forecast from the `early` part misses the loss now; None where that part is too short."""
    if len(early) < max(FEWEST, ENOUGH):
        return None
    then = predict(observe(early, curve.tokens[-1:], profile, gathered), prior)
    now = then.observed.units.fitted(np.array([np.median(curve.loss[-3:])]))[0] - then.observed.offset_at[0]
    centre, deviation = then.mixture.moments()
    return float(min(abs(now - centre[0]) / deviation[0], LARGEST))
