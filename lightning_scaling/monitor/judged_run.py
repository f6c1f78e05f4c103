"""The readings of a run's latest judgement, and how a monitor prints them: what was spent, where the run is expected to end, the advice."""

from abc import ABC, abstractmethod
from typing import Any

from lightning_scaling import numbers
from lightning_scaling.laws.frontier.power import PowerLaw
from lightning_scaling.monitor.judging import Judgement
from lightning_scaling.printed import Printed, Rows


class JudgedRun(Printed, ABC):
    """A run that has a `record` and a `judgement`, None before the first."""

    record: Any

    @property
    @abstractmethod
    def judgement(self) -> Judgement | None:
        """The latest judgement, None before the first."""

    @property
    def forecast(self) -> Any:
        """The latest forecast of the end of the token budget, None before the first."""
        return self.judgement.forecast if self.judgement else None

    @property
    def advice(self) -> Any:
        """The latest advice, None before the first."""
        return self.judgement.advice if self.judgement else None

    @property
    def power_law(self) -> PowerLaw | None:
        """L(C) = L_inf + (C0/C)^alpha of the run so far, None before the first judgement."""
        return self.judgement.power_law if self.judgement else None

    def _sentence(self) -> str:
        record = _of(self, "record")
        if record is None or not len(record.curve):
            return "A monitor whose run has no validation yet."
        advice = _of(self, "advice")
        return f"{record._sentence()}" + ("" if advice is None else f" {advice.verdict.name}: {advice.because}.")

    def _table(self) -> Rows:
        record, forecast = _of(self, "record"), _of(self, "forecast")
        if record is None or not len(record.curve):
            return ()
        head, cells = record._table()
        if forecast is None:
            return head, cells
        ends = numbers.loss_interval(float(forecast.loss), float(forecast.low), float(forecast.high))
        return (*head, "expected to end at"), (*cells, ends)


def _of(monitor: JudgedRun, name: str) -> Any:
    """Printing a monitor in any state raises nothing."""
    try:
        return getattr(monitor, name)
    except (AttributeError, RuntimeError, ValueError):
        return None
