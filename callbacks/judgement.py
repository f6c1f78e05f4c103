"""What a validation says about the run: the forecast of its end, the advice, and what the next stretch of compute is worth."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.advice import advise
from lightning_scaling.callbacks.options import Options
from lightning_scaling.callbacks.points import Point
from lightning_scaling.forecasting import forecast
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import Prediction
from lightning_scaling.units import pf_days


@dataclass(frozen=True)
class Judgement:
    """Args:
    at: tokens the forecast is for: the end of the plan or, where it has no end or is reached, as much again as was seen.
    forecast, advice: as `forecast` and `advise` gave them.
    gain_per_pf_day: loss still to be gained until `at`, per PF-day of that stretch.
    """

    at: int
    forecast: Any
    advice: Any
    gain_per_pf_day: float

    def prediction(self, tokens: int) -> Prediction:
        """The entry of the run's record."""
        f, a = self.forecast, self.advice
        return Prediction(tokens, self.at, f.loss, f.low, f.high, f.outcome.name, a.verdict.name, a.because)


def judge(curve: Curve, point: Point, planned: int | None, options: Options, siblings: tuple[Curve, ...]) -> Judgement:
    """Forecast and advice at `point`, the last of `curve`."""
    at = planned if planned and planned > point.tokens else planned or 2 * point.tokens
    expected = forecast(curve, at, siblings, options.level)
    terms = {"law": options.law, "economics": options.economics, "level": options.level}
    advice = advise(curve, at, siblings, forecast=expected, **terms)
    return Judgement(at, expected, advice, _gain(curve, point, at, expected, siblings, options.level))


def _gain(curve: Curve, point: Point, at: int, expected: Any, siblings: tuple[Curve, ...], level: float) -> float:
    """Loss per PF-day of the rest of the plan; at its end, of as much again."""
    if at <= point.tokens:
        at = 2 * point.tokens
        expected = forecast(curve, at, siblings, level)
    cost = pf_days((at - point.tokens) * point.flops / point.tokens)
    return float((_level_now(curve) - expected.loss) / cost) if cost else float("nan")


def _level_now(curve: Curve) -> float:
    """The loss of now: the median of the last three finite ones, so that one bad validation is not taken for a gain."""
    finite = curve.loss[np.isfinite(curve.loss)][-3:]
    return float(np.median(finite)) if len(finite) else float("nan")
