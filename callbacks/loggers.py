"""The `scaling/*` metrics of one validation, and how they reach the trainer's loggers: one call each.

They are logged at `global_step - 1`, where Lightning puts its own validation metrics, so that both lie on one row or step; the number
of optimiser steps done is beside them as `scaling/step`. MLflow loggers are left out: their client retries a dead server for
minutes, so the recorder's thread writes to their run.
"""

import math
from collections.abc import Iterable
from typing import Any

from lightning_scaling.callbacks.judgement import Judgement
from lightning_scaling.callbacks.points import Point
from lightning_scaling.callbacks.warn_once import Once
from lightning_scaling.units import pf_days


def metrics(point: Point, judgement: Judgement | None) -> dict[str, float]:
    """Every finite number of this validation under its key.

    >>> metrics(Point(10, 60, 1, 0.1, 2.0), None)["scaling/flops"]
    60
    """
    found: dict[str, Any] = {
        "scaling/tokens": point.tokens,
        "scaling/flops": point.flops,
        "scaling/pf_days": pf_days(point.flops),
        "scaling/val_loss": point.loss,
        "scaling/step": point.step,
    }
    if judgement is not None:
        expected = judgement.forecast
        found |= {"scaling/forecast_loss": expected.loss, "scaling/forecast_low": expected.low, "scaling/forecast_high": expected.high}
        found |= {"scaling/loss_floor": expected.floor, "scaling/gain_per_pf_day": judgement.gain_per_pf_day}
    return {key: value for key, value in found.items() if math.isfinite(value)}


def is_mlflow(logger: Any) -> bool:
    """True for Lightning's MLFlowLogger of either package, and what derives from it."""
    return any(c.__name__ == "MLFlowLogger" for c in type(logger).__mro__)


def log(loggers: Iterable[Any], found: dict[str, float], step: int, once: Once) -> None:
    """One `log_metrics` for each logger that is not MLflow's; a logger that fails is told of once."""
    for logger in loggers:
        if not is_mlflow(logger):
            with once.guard(f"logging to {type(logger).__name__}"):
                logger.log_metrics(found, step=step)
