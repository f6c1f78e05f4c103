"""Forecasts of a run from its own curve, its learning-rate schedule and the finished runs of its family."""

from lightning_scaling.forecasting.forecast import forecast
from lightning_scaling.forecasting.result import Forecast, ForecastOutcome

__all__ = ["Forecast", "ForecastOutcome", "forecast"]
