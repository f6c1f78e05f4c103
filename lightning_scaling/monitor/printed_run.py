"""A monitor prints the state of its run: what was spent, where it is expected to end, the advice."""

from typing import Any

from lightning_scaling import numbers
from lightning_scaling.printed import Printed, Rows


class PrintedRun(Printed):
    """What has `record`, `forecast` and `advice`; before training there is nothing of the three."""

    record: Any
    forecast: Any
    advice: Any

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


def _of(monitor: PrintedRun, name: str) -> Any:
    """Printing a monitor in any state raises nothing."""
    try:
        return getattr(monitor, name)
    except (AttributeError, RuntimeError, ValueError):
        return None
