"""What the next compute could buy, side by side: each option with its expected gain per PF-day and interval."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lightning_scaling.advice.ahead import Ahead
from lightning_scaling.advice.growing import Larger
from lightning_scaling.advice.repetition import Repetition
from lightning_scaling.advice.replan import decayed_now, extended
from lightning_scaling.advice.result import Option
from lightning_scaling.forecasting import forecast as forecast_of
from lightning_scaling.numbers import count, share
from lightning_scaling.run.curve import Curve
from lightning_scaling.units import training_flops


def continuing(curve: Curve, planned: float, now: float, forecast: Any) -> Option:
    """The plan as it stands, to its end."""
    return _option("continue", f"train to {count(planned)} tokens as planned", curve, now, planned, forecast)


def as_much_again(curve: Curve, planned: float, now: float, siblings: Sequence[Curve], level: float) -> Option:
    """As many tokens again as the plan holds, with the schedule that this needs."""
    end = 2 * max(planned, float(curve.tokens[-1]))
    run, schedule = (curve, "its schedule is not known") if curve.schedule is None else extended(curve, planned, end)
    return _forecast("as much again", f"train to {count(end)} tokens: {schedule}", curve, run, end, now, siblings, level)


def decaying(curve: Curve, planned: float, now: float, ahead: Ahead, siblings: Sequence[Curve], level: float) -> Option | None:
    """Lower the rate to zero from here; None for a run that has decayed, is decaying, or has no plan."""
    if not ahead.undecayed:
        return None
    run, end = decayed_now(curve, planned)
    length = end - float(curve.tokens[-1])
    what = f"let the rate fall linearly to zero over the next {count(length)} tokens"
    return _forecast("decay now", what, curve, run, end, now, siblings, level)


def other_data(plan: Option, now: float, state: Repetition, fresh: bool) -> list[Option]:
    """The rest of the plan on the same data and on fresh data: the gain of the forecast, divided by what repeated tokens are worth."""
    if state.epochs <= 1:
        return []
    what = f"go on repeating: the next tokens are worth {share(state.rest_worth)} of fresh ones"
    options = [_renamed(plan, now, "another epoch", what, 1.0)]
    if fresh and plan.loss < now:  # what fresh data would give a run whose loss rises, nothing here can tell
        options.append(_renamed(plan, now, "fresh data", "the rest of the plan on text not seen yet", 1 / max(state.rest_worth, 0.02)))
    return options


def growing(larger: Larger, now: float) -> Option:
    """A model of the best size from nothing, for the compute of this run's whole plan."""
    what = f"train {count(larger.params)} parameters on {count(larger.tokens)} tokens from nothing"
    gain = 1 - larger.loss / now
    flops = float(training_flops(larger.params, larger.tokens))
    return Option("grow", what, larger.loss, larger.low, larger.high, gain, larger.tokens, flops, larger.basis)


def ranked(options: Sequence[Option | None]) -> tuple[Option, ...]:
    """The open ones, best gain per token (or PF-day) first."""
    open_ones = [each for each in options if each is not None and each.tokens > 0 and np.isfinite(each.gain)]
    return tuple(sorted(open_ones, key=lambda o: -o.gain / (o.flops or o.tokens)))


def _forecast(name: str, what: str, curve: Curve, run: Curve, end: float, now: float, siblings: Sequence[Curve], level: float) -> Option:
    found = forecast_of(run, at=end, siblings=siblings, level=level)
    return _option(name, what, curve, now, end, found)


def _option(name: str, what: str, curve: Curve, now: float, end: float, found: Any) -> Option:
    tokens = max(end - float(curve.tokens[-1]), 0.0)
    flops = float(training_flops(curve.params, tokens)) if curve.params else None
    loss, low, high = float(found.loss), float(found.low), float(found.high)
    return Option(name, what, loss, low, high, (now - loss) / (abs(now) or 1.0), tokens, flops, level=found.level)


def _renamed(option: Option, now: float, name: str, what: str, times: float) -> Option:
    """The same stretch with `times` the gain, at its middle and at both ends of its interval."""
    middle, low, high = (now - (now - v) * times if v < now else v for v in (option.loss, option.low, option.high))
    return Option(name, what, middle, low, high, (now - middle) / (abs(now) or 1.0), option.tokens, option.flops, "Muennighoff et al. 2023")
