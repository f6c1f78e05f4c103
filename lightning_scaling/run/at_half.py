"""The forecast at half of a run: the one made nearest to half of its token budget, and how it compares with the observed end."""

import math
from dataclasses import dataclass

import numpy as np

from lightning_scaling.run.record import Prediction, RunRecord

# A forecast counts as made at half when it was made between 40 % and 60 % of the token budget.
AROUND_HALF = 0.1
# A run reached the end its forecast was for when it stopped within 2 % of it.
REACHED = 0.02


@dataclass(frozen=True)
class ForecastCheck:
    """A forecast against the observed end: `error` is forecast over observed minus one, `inside` whether the interval held."""

    forecast: Prediction
    error: float
    inside: bool


def forecast_at_half(record: RunRecord) -> Prediction | None:
    """The forecast made nearest to half of the token budget (of the tokens trained, where there was none); None if none was near it.

    A forecast that was declined, which has no interval, is none.
    """
    budget = record.planned_tokens or record.tokens
    near = [p for p in record.predictions if budget and abs(p.tokens / budget - 0.5) <= AROUND_HALF and _answered(p)]
    return min(near, key=lambda p: abs(p.tokens / budget - 0.5), default=None)


def checked(record: RunRecord, forecast: Prediction | None) -> ForecastCheck | None:
    """The forecast against where the run ended; None where it was not made, or the run did not reach the tokens it was for."""
    if forecast is None or not reached(record, forecast):
        return None
    return ForecastCheck(forecast, forecast.loss / record.loss - 1, forecast.low <= record.loss <= forecast.high)


def reached(record: RunRecord, forecast: Prediction) -> bool:
    """Whether the run ended within 2 % of the tokens the forecast was made for, with a positive loss there."""
    return bool(np.isfinite(record.loss)) and record.loss > 0 and forecast.at > 0 and abs(record.tokens / forecast.at - 1) <= REACHED


def _answered(forecast: Prediction) -> bool:
    return all(map(math.isfinite, (forecast.loss, forecast.low, forecast.high)))  # a report asks it of every forecast of every run
