"""How well the same laws would have predicted the present: the trust in a forecast, and its width, come from the run's own past.

The curve is cut at a third, a half and seven tenths of what has been seen, and each part is asked for the loss now, by the annealing
law and by the plain laws. On 152 published runs the law's misses were .5 of their claimed deviations at the median where the rate stays
as it is; on small models, retrained or badly tuned ones they were 2 to 4, and so were, later, the misses of the forecast itself. Their
size is used and not their sign, which predicted nothing reliable about the forecast (correlations of -.46 to +.26 between sets of runs).
"""

from dataclasses import dataclass

import numpy as np

from lightning_scaling.arrays import Floats, median
from lightning_scaling.forecasting.law_forecast import LawForecast, predict
from lightning_scaling.forecasting.observed import Units, observe
from lightning_scaling.forecasting.plain_laws import plain_laws
from lightning_scaling.forecasting.prior import Prior
from lightning_scaling.forecasting.rate_profile import RateProfile
from lightning_scaling.forecasting.screen import ENOUGH
from lightning_scaling.run.curve import Curve

CUTS = (0.35, 0.5, 0.7)  # shares of the tokens seen
FEWEST = 8  # points that a part must have
USUAL = 0.65  # deviations that a cut misses by, a priori, worth one cut
LARGEST = 6.0  # deviations; more is no more surprising
FARTHEST = 5.0  # log loss; the same
BARE, EARNED, WIDEST = 0.25, 1.4, 4.0  # the factor is the root of BARE² + (EARNED·surprise)², at most WIDEST
QUIET = 0.2  # remaining annealing at which the past, which had none, is half as telling


@dataclass(frozen=True, eq=False)
class Cut:
    """What an earlier part of the run would have predicted for now.

    Args:
        law: fitted loss by which the annealing law ended too high.
        deviations: the same in its claimed deviations, at most LARGEST.
        plain: (5,) fitted loss by which each plain law ended too high.
    """

    law: float
    deviations: float
    plain: Floats


def backtest(curve: Curve, profile: RateProfile | None, gathered: int, units: Units, prior: Prior) -> list[Cut]:
    """The cuts that leave enough points, in the `units` of the whole curve; `curve` and `gathered` as the forecast is made from."""
    parts = [curve.until(share * curve.tokens[-1]) for share in CUTS]
    return [_cut(part, curve, profile, gathered, units, prior) for part in parts if len(part) >= max(FEWEST, ENOUGH)]


def _cut(part: Curve, curve: Curve, profile: RateProfile | None, gathered: int, units: Units, prior: Prior) -> Cut:
    then = predict(observe(part, curve.tokens[-1:], profile, gathered), prior)
    old = then.observed.units
    now = float(old.fitted(np.array([median(curve.loss[-3:])]))[0])
    centre, deviation = then.mixture.moments()
    missed = float(centre[0] + then.observed.offset_at[0]) - now
    scale = 1.0 if old.log and units.log else old.unit / units.unit
    plain = np.clip(scale * (plain_laws(then.observed)[:, 0] - now), -FARTHEST, FARTHEST)
    return Cut(float(np.clip(scale * missed, -FARTHEST, FARTHEST)), min(abs(missed) / float(deviation[0]), LARGEST), plain)


def calibrated(found: LawForecast, cuts: list[Cut], scheduled: bool) -> LawForecast:
    """The law's forecast with its width scaled by how far its earlier ones missed."""
    surprise = np.sqrt((USUAL**2 + sum(cut.deviations**2 for cut in cuts)) / (1 + len(cuts)))
    least = 0.0 if scheduled else 1.0  # a past without a surprise is no evidence about a schedule that is not known
    factor = float(np.clip(np.hypot(BARE, EARNED * surprise), least, WIDEST))
    return found.with_mixture(found.mixture.moved(0.0, factor ** (1 / (1 + found.remaining / QUIET)), 0.0))
