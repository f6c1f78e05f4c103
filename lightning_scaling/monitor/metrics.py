"""The `scaling/*` metrics of one validation."""

import math
from typing import Any

from lightning_scaling.laws.frontier.power import PowerOutcome
from lightning_scaling.monitor.judging import Judgement
from lightning_scaling.monitor.points import Point
from lightning_scaling.units import pf_days


def metrics(point: Point, judgement: Judgement | None, loss: str = "val_loss") -> dict[str, float]:
    """Every finite number of this validation under its key.

    Args:
        point: the run now.
        judgement: the latest; None before the first.
        loss: "val_loss", or "train_loss" where there is no validation.

    >>> metrics(Point(10, 60, 1, 2.0), None)["scaling/flops"]
    60
    """
    found: dict[str, Any] = {
        "scaling/tokens": point.tokens,
        "scaling/flops": point.flops,
        "scaling/pf_days": pf_days(point.flops),
        f"scaling/{loss}": point.loss,
        "scaling/averaged_loss": point.averaged,
        "scaling/step": point.step,
    }
    if judgement is not None:
        found |= _judged(judgement)
    return {key: value for key, value in found.items() if math.isfinite(value)}


def _judged(judgement: Judgement) -> dict[str, Any]:
    expected, law = judgement.forecast, judgement.power_law
    found = {"scaling/forecast_loss": expected.loss, "scaling/forecast_low": expected.low, "scaling/forecast_high": expected.high}
    found |= {"scaling/loss_floor": expected.floor, "scaling/gain_per_pf_day": judgement.gain_per_pf_day}
    found["scaling/plateau_probability"] = judgement.advice.plateau_probability
    if law.outcome is PowerOutcome.FITTED:
        found |= {"scaling/law_floor": law.floor, "scaling/law_exponent": law.exponent, "scaling/law_scale_pf_days": pf_days(law.scale)}
    return found
