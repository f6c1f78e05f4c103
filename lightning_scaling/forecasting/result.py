"""What a forecast answers with: the loss at each place, its interval, how it was made or why there is none, and how it prints."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lightning_scaling import numbers
from lightning_scaling.arrays import Floats
from lightning_scaling.forecasting.distributions import SplitStudent
from lightning_scaling.forecasting.observed import Units
from lightning_scaling.outcome import Outcome
from lightning_scaling.printed import Printed, Rows

_SO_FAR = (
    "the learning rate is known only up to now: the forecast averages over schedules that fit it, of which {} is the most likely; "
    "state the schedule (--schedule, or Schedule.cosine and the like) for a narrower interval"
)


class ForecastOutcome(Outcome):
    """How the forecast was made, or why there is none; `declined` marks those without an interval, whose loss is the last level."""

    FORECAST = "forecast from the run's own curve and learning-rate schedule"
    SEEN = "the run has already passed that point: this is the curve itself, smoothed"
    DECAY_UNSEEN_SIBLINGS = "the learning rate has still to fall: the size of that drop is transferred from finished runs of the family"
    DECAY_UNSEEN_PRIOR = "the learning rate has still to fall and no finished run shows how much that gains: the drop is a general prior's"
    RATE_SO_FAR_COSINE = _SO_FAR.format("a cosine")
    RATE_SO_FAR_LINEAR = _SO_FAR.format("a linear decay")
    RATE_SO_FAR_WSD = _SO_FAR.format("a constant rate with a final decay (WSD)")
    RATE_SO_FAR_INVERSE_SQRT = _SO_FAR.format("an inverse square root")
    RATE_SO_FAR_CONSTANT = _SO_FAR.format("a constant rate")
    NO_SCHEDULE = "no learning-rate schedule is known: if the rate falls before the end, the loss ends in the lower half of this interval"
    SCHEDULE_ENDS = "the learning-rate schedule ends before that point: its last rate is assumed to stay"
    MEASURED = "the learning rate has still to fall: the size of that drop was measured on an average of recent weights"
    TURNS_UP = "the loss has turned up beyond its noise (repeated data, or too high a rate): no falling law describes it"
    TOO_UNCERTAIN = "this curve cannot be extrapolated that far yet: its interval would span more than a factor of ten"
    TOO_FEW_POINTS = "there are fewer than six points after warm-up"
    WARMUP = "the learning rate is still warming up"
    DIVERGED = "the last losses are not finite, or lie above where the curve began: the run has diverged"
    NOT_FINITE = "no finite loss has been logged"

    @property
    def declined(self) -> bool:
        """Whether the curve could not be extrapolated, so that there is no interval."""
        return self.name in ("TOO_UNCERTAIN", "TOO_FEW_POINTS", "WARMUP", "DIVERGED", "NOT_FINITE")


SO_FAR = {
    "cosine to zero": ForecastOutcome.RATE_SO_FAR_COSINE,
    "cosine to a tenth": ForecastOutcome.RATE_SO_FAR_COSINE,
    "linear": ForecastOutcome.RATE_SO_FAR_LINEAR,
    "linear from here": ForecastOutcome.RATE_SO_FAR_LINEAR,
    "WSD, last tenth": ForecastOutcome.RATE_SO_FAR_WSD,
    "WSD, last fifth": ForecastOutcome.RATE_SO_FAR_WSD,
    "inverse square root": ForecastOutcome.RATE_SO_FAR_INVERSE_SQRT,
    "constant": ForecastOutcome.RATE_SO_FAR_CONSTANT,
}


@dataclass(frozen=True, eq=False, repr=False)
class Forecast(Printed):
    """A predictive distribution of the loss that will be logged at `at` tokens.

    Args:
        at: tokens, scalar or (m,).
        loss, low, high: median and interval at `level`, in the unit of the loss; floats or (m,) as `at`. Where the curve cannot be
            extrapolated that far, loss is the last level and low and high are NaN.
        level: chance that the interval claims to hold the loss.
        outcome: how the forecast was made, or why it is none; of the farthest place.
        floor: the loss that the fitted law would end at after endless training under this schedule; NaN where there is no law.
        noise: relative standard deviation of one logged loss.
        law: which laws the forecast combines.
        schedules: weights of the schedules averaged over, by name; empty where the schedule is known, or none at all is.
        last: the last level of the loss, NaN where none is finite.
        unit: what the curve counts as tokens: "tokens", "steps", "epochs"; for the words only.
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
    schedules: Mapping[str, float] = field(default_factory=dict)
    last: float = float("nan")
    unit: str = "tokens"
    _student: SplitStudent | None = None
    _units: Units | None = None

    def probability_below(self, loss: ArrayLike) -> Any:
        """Chance that the logged loss at `at` is below `loss`: shaped as `loss` for a scalar `at`, else (m,). NaN without an interval."""
        value = np.asarray(loss, dtype=np.float64)
        if np.ndim(self.at) and value.ndim and value.shape != np.shape(self.at):
            raise ValueError(f"loss must be a number or of the same length as at, got shapes {value.shape} and {np.shape(self.at)}")
        if self._student is None or self._units is None:
            chance = np.full(np.broadcast_shapes(value.shape, np.shape(self.at)), np.nan)
        else:
            chance = self._student.chance_below(self._units.fitted(value))
            chance = np.where(self._units.log & (value <= 0), 0.0, chance)
            chance = np.where(np.isnan(self.low), np.nan, chance.reshape(np.broadcast_shapes(value.shape, np.shape(self.at))))
        return float(chance) if np.ndim(chance) == 0 else chance

    def _table(self) -> Rows:
        return [(self.unit, "loss", f"{self._share} interval"), *self._rows()]

    @property
    def _share(self) -> str:
        return numbers.share(self.level)

    def _rows(self) -> list[tuple[str, str, str]]:
        places = zip(*(np.atleast_1d(column).astype(float) for column in (self.at, self.loss, self.low, self.high)), strict=True)
        return [(numbers.count(at), numbers.loss(loss), numbers.between(low, high)) for at, loss, low, high in places]

    def _sentence(self) -> str:
        at, loss, interval = self._rows()[int(np.argmax(self.at))]
        if interval == numbers.ABSENT:
            return f"No forecast at {at} {self.unit}: {self.outcome}. The last level is {numbers.loss(self.last)}."
        return f"The loss is expected to be {loss} at {at} {self.unit} ({self._share} interval {interval}): {self.outcome}."


def answer(
    student: SplitStudent, units: Units, at: ArrayLike, level: float, outcome: ForecastOutcome, last: float, least: float, **more: Any
) -> Forecast:
    """The forecast of a distribution; a place whose interval spans more than a factor of ten keeps the last level alone.

    `least` is the smallest loss that can be logged: its last printed digit.
    """
    middle, low, high = (student.quantile(share) for share in (0.5, (1 - level) / 2, (1 + level) / 2))
    open_ended = high - low > np.log(10.0)
    loss, bottom, top = (np.maximum(units.logged(np.where(open_ended, 0.0, value)), least) for value in (middle, low, high))
    shown = np.where(open_ended, last, loss), np.where(open_ended, np.nan, bottom), np.where(open_ended, np.nan, top)
    one: Any = (lambda values: float(values[0])) if np.ndim(at) == 0 else np.asarray
    if open_ended[int(np.argmax(at))]:
        outcome = ForecastOutcome.TOO_UNCERTAIN
    middle, bottom, top = (one(values) for values in shown)
    return Forecast(at, middle, bottom, top, level, outcome, last=last, _student=student, _units=units, **more)


def refused(at: ArrayLike, level: float, outcome: ForecastOutcome, last: float, noise: float = float("nan")) -> Forecast:
    """No forecast: the last level, without an interval."""
    one: Any = (lambda values: float(values[0])) if np.ndim(at) == 0 else np.asarray
    here, nan = (one(np.full(np.size(at), value)) for value in (last, np.nan))
    return Forecast(at, here, nan, nan, level, outcome, np.nan, noise, "none", last=last)


def places(at: ArrayLike) -> Floats:
    """(m,) the tokens asked for, checked."""
    targets = np.atleast_1d(np.asarray(at, dtype=np.float64))
    if targets.ndim != 1 or not len(targets) or not np.isfinite(targets).all() or (targets <= 0).any():
        raise ValueError("at must be tokens: one positive number, or a one-dimensional array of them")
    return targets
