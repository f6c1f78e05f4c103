"""Forecasts of a run from its own curve, its learning-rate profile and the finished runs of its family."""

from lightning_scaling.forecasting.forecast import Forecast, forecast
from lightning_scaling.forecasting.outcome import ForecastOutcome

__all__ = ["Forecast", "ForecastOutcome", "forecast"]
