"""What a validation says about the run: its power law so far, the forecast of its end, the advice, and what more compute is worth.

Judging takes 3 to 30 ms, so it is paid for out of a time budget: a validation that cannot be afforded keeps the judgement before it. One
that takes longer at once than the training may wait runs in a thread beside it, and is read at a later validation.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.advice import advise
from lightning_scaling.arrays import Floats
from lightning_scaling.forecasting import forecast
from lightning_scaling.laws.frontier.power import PowerLaw, fit_power
from lightning_scaling.monitor.budget import TimeBudget
from lightning_scaling.monitor.options import Options
from lightning_scaling.monitor.points import Point
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import Prediction
from lightning_scaling.units import pf_days


@dataclass(frozen=True)
class Judgement:
    """Args:
    tokens: seen when it was made.
    at: tokens the forecast is for: the token budget or, where there is none or it is spent, as much again as was seen.
    power_law: L(C) = L_inf + (C0/C)^alpha of the run so far, C in FLOPs.
    forecast, advice: as `forecast` and `advise` gave them.
    gain_per_pf_day: loss still to be gained until `at`, per PF-day.
    """

    tokens: int
    at: int
    power_law: PowerLaw
    forecast: Any
    advice: Any
    gain_per_pf_day: float

    def prediction(self) -> Prediction:
        """The entry of the run's record."""
        f, a = self.forecast, self.advice
        return Prediction(self.tokens, self.at, f.loss, f.low, f.high, f.outcome.name, a.verdict.name, a.because)


@dataclass(frozen=True)
class Evidence:
    """What is judged: the run so far, its token budget, and what it is compared with."""

    curve: Curve
    flops: Floats
    point: Point
    token_budget: int | None
    siblings: tuple[Curve, ...] = ()
    schedule_free: bool = False
    unit: str = "tokens"


def judge(seen: Evidence, options: Options) -> Judgement:
    """Power law, forecast and advice at the last point of the run."""
    curve, tokens = seen.curve, seen.point.tokens
    at = seen.token_budget if seen.token_budget and seen.token_budget > tokens else seen.token_budget or 2 * tokens
    law = fit_power(seen.flops, curve.loss, options.level, "FLOPs")
    expected = forecast(curve, at, seen.siblings, options.level, token_budget=seen.token_budget)
    terms: dict[str, Any] = {"law": options.law, "economics": options.economics, "level": options.level, "unit": seen.unit}
    terms |= {"flops_per_token": seen.point.flops / tokens, "schedule_free": seen.schedule_free}
    advice = advise(curve, at, seen.siblings, forecast=expected, **terms)
    _ = advice.add_data  # worked out when it is first read: here, where its time is counted
    return Judgement(tokens, at, law, expected, advice, _gain(seen, at, expected, options.level))


def _gain(seen: Evidence, at: int, expected: Any, level: float) -> float:
    """Loss per PF-day of the rest of the budget; once it is spent, of as much again."""
    tokens, flops = seen.point.tokens, seen.point.flops
    if at <= tokens:
        at = 2 * tokens
        expected = forecast(seen.curve, at, seen.siblings, level)
    cost = pf_days((at - tokens) * flops / tokens)
    return float((_level_now(seen.curve) - expected.loss) / cost) if cost else float("nan")


def _level_now(curve: Curve) -> float:
    """The loss of now: the median of the last three finite ones, so that one bad validation is not taken for a gain."""
    finite = curve.loss[np.isfinite(curve.loss)][-3:]
    return float(np.median(finite)) if len(finite) else float("nan")


class Judge:
    """Judges when the time budget allows it, in the training's thread while that is quick, else beside it.

    Args:
        budget: what may be spent.
        options: passed on to `judge`.
    """

    def __init__(self, budget: TimeBudget, options: Options) -> None:
        self._budget, self._options = budget, options
        self._beside: threading.Thread | None = None
        self._answer: Judgement | Exception | None = None

    def ask(self, evidence: Callable[[], Evidence]) -> Judgement | None:
        """A judgement, or None where none is ready now."""
        if self._beside is not None:
            return self._collect()
        if not self._budget.allows("judging"):
            return None
        if self._budget.too_long("judging"):
            self._start(evidence())
            return None
        return self._budget.timed("judging", lambda: judge(evidence(), self._options))

    def last(self, evidence: Callable[[], Evidence]) -> Judgement:
        """The judgement of a run that has ended, whatever it costs."""
        if self._beside is not None:
            self._beside.join()
            self._beside = None
        return judge(evidence(), self._options)

    def _start(self, evidence: Evidence) -> None:
        """Judge in a thread; its time is charged to the budget, since it competes for the interpreter."""

        def work() -> None:
            try:
                self._answer = self._budget.timed("judging", lambda: judge(evidence, self._options))
            except Exception as error:
                self._answer = error

        self._beside = threading.Thread(target=work, daemon=True, name="scaling-judge")
        self._beside.start()

    def _collect(self) -> Judgement | None:
        if self._beside is None or self._beside.is_alive():
            return None
        self._beside, answer, self._answer = None, self._answer, None
        if isinstance(answer, Exception):
            raise answer
        return answer
