"""What the next compute could buy, side by side: each option with its expected gain per PF-day and interval.

"decay now" and "as much again" are forecasts of the same curve under another learning-rate schedule, whose past stays as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lightning_scaling.advice.annealing import RemainingAnnealing
from lightning_scaling.advice.growing import Larger
from lightning_scaling.advice.repetition import Repetition
from lightning_scaling.advice.result import Option
from lightning_scaling.forecasting import Forecast, ForecastOutcome
from lightning_scaling.forecasting import forecast as forecast_of
from lightning_scaling.forecasting.rate_profile import step_at
from lightning_scaling.numbers import count, share
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.schedule import Schedule
from lightning_scaling.units import training_flops

LEAST_WORTH = 0.02  # of a fresh token: what fresh data would bring is not extrapolated beyond fifty times
REWARM = 0.02  # of the extension: a sudden return to the peak spikes
DECAY = 0.2  # of the extension, the share at which WSD's decay is usually set
COOL = 0.15  # of the tokens so far, the decay of a run whose budget is spent


@dataclass(frozen=True, eq=False)
class Setting:
    """The run as every option sees it.

    Args:
        budget: tokens at the end of the run as planned.
        now: level of its loss here.
        unit: what is counted as tokens; flops_per_token: what one costs, None: 6·N where the unit is tokens, else not known.
        schedule_free: the optimiser needs no decay.
    """

    curve: Curve
    budget: float
    now: float
    siblings: Sequence[Curve] = ()
    level: float = 0.9
    unit: str = "tokens"
    flops_per_token: float | None = None
    schedule_free: bool = False

    @property
    def tokens(self) -> float:
        return float(self.curve.tokens[-1])

    def cost(self, tokens: float) -> float | None:
        """FLOPs of training on `tokens`."""
        if self.flops_per_token is not None:
            return self.flops_per_token * tokens
        return float(training_flops(self.curve.params, tokens)) if self.curve.params and self.unit == "tokens" else None


def continuing(run: Setting, forecast: Forecast) -> Option:
    """The run as planned, to the end of its budget."""
    end = max(run.budget, run.tokens)
    return _option("continue", f"train to {count(end)} {run.unit} as planned", run, end, forecast)


def as_much_again(run: Setting) -> Option:
    """Twice the token budget, with the schedule that this needs."""
    end = 2 * max(run.budget, run.tokens)
    if run.schedule_free:
        curve, schedule = run.curve, "the schedule-free optimiser needs no decay"
    elif run.curve.schedule is None:
        curve, schedule = run.curve, "its learning-rate schedule is not known"
    else:
        curve, schedule = extended(run.curve, run.budget, end)
    return _forecast("as much again", f"train to {count(end)} {run.unit}: {schedule}", run, curve, end)


def decaying(run: Setting, annealing: RemainingAnnealing) -> Option | None:
    """Lower the rate to zero from here; None for a run that has decayed, is decaying, needs no decay or has no schedule."""
    if not annealing.undecayed:
        return None
    curve, end = decayed_now(run.curve, run.budget)
    what = f"let the rate fall linearly to zero over the next {count(end - run.tokens)} {run.unit}"
    return _forecast("decay now", what, run, curve, end)


def other_data(planned: Option, now: float, state: Repetition, fresh: bool) -> list[Option]:
    """The rest of the budget on the same data and on fresh data: the gain of the forecast, divided by what repeated tokens are worth."""
    if state.epochs <= 1:
        return []
    what = f"repeat the data: the next tokens are worth {share(state.rest_worth)} of fresh ones"
    options = [_scaled(planned, now, "another epoch", what, 1.0)]
    if fresh and planned.loss < now:  # what fresh data would bring a run whose loss rises cannot be read from its curve
        times = 1 / max(state.rest_worth, LEAST_WORTH)
        options.append(_scaled(planned, now, "fresh data", "the rest of the budget on data not seen yet", times))
    return options


def growing(larger: Larger, now: float) -> Option:
    """A model of the best size from nothing, for the compute of this run's whole budget."""
    what = f"train {count(larger.params)} parameters on {count(larger.tokens)} tokens from nothing"
    gain = 1 - larger.loss / now
    flops = float(training_flops(larger.params, larger.tokens))
    return Option("grow", what, larger.loss, larger.low, larger.high, gain, larger.tokens, flops, larger.basis)


def ranked(options: Sequence[Option | None]) -> tuple[Option, ...]:
    """The open ones, best gain per token (or PF-day) first."""
    open_ones = [each for each in options if each is not None and each.tokens > 0 and np.isfinite(each.gain)]
    return tuple(sorted(open_ones, key=lambda o: -o.gain / (o.flops or o.tokens)))


def _forecast(name: str, what: str, run: Setting, curve: Curve, end: float) -> Option:
    return _option(name, what, run, end, forecast_of(curve, at=end, siblings=run.siblings, level=run.level))


def _option(name: str, what: str, run: Setting, end: float, found: Forecast) -> Option:
    tokens = max(end - run.tokens, 0.0)
    loss, low, high = float(found.loss), float(found.low), float(found.high)
    gain = (run.now - loss) / (abs(run.now) or 1.0)
    basis = "measured" if found.outcome is ForecastOutcome.MEASURED else "forecast"
    return Option(name, what, loss, low, high, gain, tokens, run.cost(tokens), basis, level=found.level)


def _scaled(option: Option, now: float, name: str, what: str, times: float) -> Option:
    """The same tokens with `times` the gain, at its middle and at both ends of its interval."""
    middle, low, high = (now - (now - v) * times if v < now else v for v in (option.loss, option.low, option.high))
    return Option(name, what, middle, low, high, (now - middle) / (abs(now) or 1.0), option.tokens, option.flops, "Muennighoff et al. 2023")


def decayed_now(curve: Curve, budget: float) -> tuple[Curve, float]:
    """The run with its rate falling linearly to zero from here, and the tokens at which it then ends.

    The decay takes what is left of the budget, at least 5 % and at most 20 % of the tokens so far.

    >>> run = Curve([50, 80], [3.0, 2.8], step=[50, 80], schedule=Schedule([0, 100], [1.0, 1.0]))
    >>> cooled, end = decayed_now(run, budget=90)
    >>> end, cooled.schedule.at(85)
    (90.0, 0.5)
    """
    now = float(curve.tokens[-1])
    left = budget - now
    length = min(left, DECAY * now) if left >= 0.05 * now else COOL * now
    end = now + length
    return _then(curve, [(end, 0.0)]), end


def extended(curve: Curve, budget: float, end: float) -> tuple[Curve, str]:
    """The run with a schedule that lasts until `end` tokens, and what its schedule must become.

    A rate that is still high is held and decays over the last fifth; one that has decayed goes back up first.
    """
    assert curve.schedule is not None, "another schedule starts from the one there is"
    assert curve.step is not None
    now, peak = float(curve.tokens[-1]), curve.schedule.peak
    rate, start = float(curve.schedule.at(curve.step[-1])), end - DECAY * (end - now)
    if rate >= 0.5 * peak:
        return _then(curve, [(start, rate / peak), (end, 0.0)]), "hold the rate and let it fall to zero over the last fifth"
    back = now + REWARM * (end - now)
    what = "resume before the decay (or rewarm to half the peak), hold, decay over the last fifth"
    return _then(curve, [(back, 0.5), (start, 0.5), (end, 0.0)]), what


def _then(curve: Curve, points: list[tuple[float, float]]) -> Curve:
    """The schedule so far, then straight lines through (tokens, share of the peak)."""
    assert curve.schedule is not None, "another schedule starts from the one there is"
    assert curve.step is not None
    now, given = float(curve.step[-1]), curve.schedule
    past = given.step < now
    steps = step_at(curve, np.array([tokens for tokens, _ in points]))
    step = np.r_[given.step[past], now, steps]
    lr = np.r_[given.lr[past], given.at(now), [share * given.peak for _, share in points]]
    return replace(curve, schedule=Schedule(step, lr))
