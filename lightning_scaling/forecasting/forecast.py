"""Where a run will end: the loss at `at`, its interval, and how that was come by."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lightning_scaling.arrays import Floats
from lightning_scaling.forecasting.clock import BEYOND, in_usual_steps, step_at
from lightning_scaling.forecasting.rate_profile import RateProfile, read_profile
from lightning_scaling.forecasting.backtest import calibrated
from lightning_scaling.forecasting.mixture import Mixture
from lightning_scaling.forecasting.outcome import ForecastOutcome
from lightning_scaling.forecasting.curve_points import gather, scatter
from lightning_scaling.forecasting.law_forecast import LawForecast, predict
from lightning_scaling.forecasting.prior import Prior
from lightning_scaling.forecasting.screen import after_warmup, diverged, refuse, too_short, turns_up
from lightning_scaling.forecasting.observed import Units, observe
from lightning_scaling.forecasting.siblings import corrected, pool, replays
from lightning_scaling.run.curve import Curve

PRIOR = Prior()
HIGH_RATE = 0.9  # of the peak: while the rate is above this no decay has been observed
FALL = 0.1  # annealing to come, beyond which the drop decides the forecast
CLUELESS = 0.5  # deviation in log loss where next to nothing has been observed


@dataclass(frozen=True, eq=False)
class Forecast:
    """A predictive distribution of the loss that will be logged at `at` tokens.

    Args:
        at: tokens, scalar or (m,).
        loss, low, high: median and interval at `level`, in the unit of the loss; floats or (m,) as `at`.
        level: chance that the interval claims to hold the loss.
        outcome: how the forecast was come by, or why it is none.
        floor: the loss that the fitted law would end at after endless training under this profile; NaN where there is no law.
        noise: relative standard deviation of one logged loss.
        law: which laws the forecast mixes.
    """

    at: Any
    loss: Any
    low: Any
    high: Any
    level: float
    outcome: ForecastOutcome
    floor: float
    noise: float
    law: str
    _mixture: Mixture | None = field(default=None, repr=False)
    _offset: Floats | None = field(default=None, repr=False)
    _units: Units | None = field(default=None, repr=False)

    def probability_below(self, loss: ArrayLike) -> Any:
        """Chance that the logged loss at `at` is below `loss`: shaped as `loss` for a scalar `at`, else (m,). NaN without a forecast."""
        value = np.asarray(loss, dtype=np.float64)
        if np.ndim(self.at) and value.ndim and value.shape != np.shape(self.at):
            raise ValueError(f"loss must be a number or of the same length as at, got shapes {value.shape} and {np.shape(self.at)}")
        if self._mixture is None or self._units is None or self._offset is None:
            chance = np.full(np.broadcast_shapes(value.shape, np.shape(self.at)), np.nan)
        elif np.ndim(self.at):
            fitted = self._units.fitted(np.broadcast_to(value, np.shape(self.at))) - self._offset
            chance = self._mixture.below(fitted[:, None])[:, 0]
        else:
            chance = self._mixture.below(self._units.fitted(value.reshape(1, -1)) - self._offset).reshape(value.shape)
        return float(chance) if np.ndim(chance) == 0 else chance


def forecast(curve: Curve, at: ArrayLike, siblings: Sequence[Curve] = (), level: float = 0.9) -> Forecast:
    """Forecast the loss of a run that is on its way.

    Args:
        curve: what has been observed, with the profile of the whole run where it is known. Another profile answers "what if".
        at: tokens, scalar or (m,), to forecast the loss at.
        siblings: finished runs of the same family (other sizes or plans), each with its schedule.
        level: of the interval.

    Raises:
        ValueError: tokens or a level that make no sense.

    >>> tokens = np.arange(1, 41) * 1e6
    >>> f = forecast(Curve(tokens, 2 + (1e6 / tokens) ** 0.5), at=8e7)
    >>> bool(f.low < 2 + 80**-0.5 < f.high), f.outcome.name
    (True, 'NO_SCHEDULE')
    """
    targets = _targets(at, level)
    if len(curve) == 0 or (refusal := refuse(curve)) is not None:
        return _nothing(at, level, ForecastOutcome.NOT_FINITE if len(curve) == 0 else refusal)
    curve = in_usual_steps(curve, float(targets.max()))
    profile = None if curve.schedule is None or curve.step is None else read_profile(curve.schedule)
    finite, gathered = gather(curve)
    used = after_warmup(finite, profile)
    if (early := too_short(curve, used, profile)) is not None:
        return _clueless(curve, at, level, early)
    if diverged(used):
        return _clueless(used, at, level, ForecastOutcome.DIVERGED)
    end = float(targets.max())
    replayed = replays(used, end, siblings, PRIOR)
    family = pool(replayed)
    own = calibrated(predict(observe(used, targets, profile, gathered), PRIOR, family), used, profile, gathered, PRIOR)
    found = corrected(own, replayed, profile is not None, PRIOR)
    outcome = _outcome(used, targets, profile, found, family is not None)
    return _answer(found, at, level, outcome, used)


def _targets(at: ArrayLike, level: float) -> Floats:
    targets = np.atleast_1d(np.asarray(at, dtype=np.float64))
    if targets.ndim != 1 or not len(targets) or not np.isfinite(targets).all() or (targets <= 0).any():
        raise ValueError("at must be tokens: one positive number, or a one-dimensional array of them")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    return targets


def _outcome(used: Curve, targets: Floats, profile: RateProfile | None, found: LawForecast, estimate: bool) -> ForecastOutcome:
    if turns_up(found.observed):
        return ForecastOutcome.TURNS_UP
    if targets.max() <= used.tokens[-1]:
        return ForecastOutcome.SEEN
    if profile is None:
        return ForecastOutcome.NO_SCHEDULE
    if profile.step[-1] < BEYOND * float(step_at(used, targets).max()):
        return ForecastOutcome.PLAN_ENDS
    now = float(profile.rate_at(step_at(used, used.tokens[-1:]))[0])
    if now < HIGH_RATE or found.remaining.max() < FALL:
        return ForecastOutcome.FORECAST
    return ForecastOutcome.DECAY_UNSEEN_SIBLINGS if estimate else ForecastOutcome.DECAY_UNSEEN_PRIOR


def _answer(found: LawForecast, at: ArrayLike, level: float, outcome: ForecastOutcome, used: Curve) -> Forecast:
    observed = found.observed
    mixture = _past_as_it_was(found, used, np.atleast_1d(np.asarray(at, dtype=np.float64)))
    shares = np.array([0.5, (1 - level) / 2, (1 + level) / 2])
    loss, low, high = observed.units.logged(observed.offset_at + mixture.quantiles(shares))
    floor = (
        observed.units.level * found.posterior.floor
        if observed.units.log
        else observed.units.level + observed.units.unit * found.posterior.floor
    )
    law = ("annealing" if observed.gain.shape[1] > 1 else "power") + " + tail power law"
    noise = observed.noise * observed.units.unit / abs(observed.units.level or 1.0)
    one = _as(at)
    return Forecast(at, one(loss), one(low), one(high), level, outcome, floor, noise, law, mixture, observed.offset_at, observed.units)


def _past_as_it_was(found: LawForecast, used: Curve, targets: Floats) -> Mixture:
    """The mixture with the places that have been passed already replaced by the curve there, give or take its noise."""
    past = targets <= used.tokens[-1]
    if not past.any():
        return found.mixture
    observed, here = found.observed, np.searchsorted(used.tokens, targets[past])
    around = [float(np.median(used.loss[max(i - 2, 0) : i + 3])) for i in here]
    mean, deviation = found.mixture.mean.copy(), found.mixture.deviation.copy()
    mean[:, past] = observed.units.fitted(np.array(around)) - observed.offset_at[past]
    deviation[:, past] = max(observed.noise, 1e-9)
    return Mixture(found.mixture.weight, mean, deviation)


def _as(at: ArrayLike) -> Any:
    return (lambda values: float(values[0])) if np.ndim(at) == 0 else np.asarray


def _nothing(at: ArrayLike, level: float, outcome: ForecastOutcome | None) -> Forecast:
    nan = _as(at)(np.full(np.size(at), np.nan))
    return Forecast(at, nan, nan, nan, level, outcome or ForecastOutcome.NOT_FINITE, np.nan, np.nan, "none")


def _clueless(curve: Curve, at: ArrayLike, level: float, outcome: ForecastOutcome) -> Forecast:
    """The last level, with an interval as wide as knowing next to nothing makes it."""
    loss = curve.loss[np.isfinite(curve.loss)]
    level_now = float(np.median(loss[-3:]))
    units = Units(level_now, abs(level_now), log=True) if level_now > 0 else Units(level_now, float(np.ptp(loss)) or 1.0, log=False)
    m = np.size(at)
    mixture = Mixture(np.ones(1), np.zeros((1, m)), np.full((1, m), CLUELESS))
    middle, low, high = units.logged(mixture.quantiles(np.array([0.5, (1 - level) / 2, (1 + level) / 2])))
    one, noise = _as(at), scatter(loss) / abs(level_now or 1.0)
    return Forecast(at, one(middle), one(low), one(high), level, outcome, np.nan, noise, "last level", mixture, np.zeros(m), units)
