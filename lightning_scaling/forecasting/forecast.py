"""Where a run will end: the loss at `at`, its interval, and how both were found."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lightning_scaling.arrays import Floats, median
from lightning_scaling.forecasting.averaged_weights import measured
from lightning_scaling.forecasting.backtest import backtest, calibrated
from lightning_scaling.forecasting.combination import combined
from lightning_scaling.forecasting.curve_points import gather, resolution, scatter
from lightning_scaling.forecasting.distributions import SplitStudent
from lightning_scaling.forecasting.futures import Future, in_each, median_over, unknown_future
from lightning_scaling.forecasting.law_forecast import LawForecast, predict
from lightning_scaling.forecasting.observed import Observed, Units, observe
from lightning_scaling.forecasting.plain_laws import plain_laws
from lightning_scaling.forecasting.prior import Prior
from lightning_scaling.forecasting.rate_profile import BEYOND, RateProfile, in_usual_steps, read_profile, step_at
from lightning_scaling.forecasting.result import SO_FAR, Forecast, ForecastOutcome, answer, places, refused
from lightning_scaling.forecasting.screen import diverged, refuse, too_short, turns_up, usable
from lightning_scaling.forecasting.siblings import corrected, pool, replays
from lightning_scaling.run.curve import Curve

PRIOR = Prior()
HIGH_RATE = 0.9  # of the peak: while the rate is above this no decay has been seen
LEVEL = 3  # points whose median is where the loss is
LEAST = 1e-6  # of the effective time: less is no training
FALL = 0.1  # remaining annealing, beyond which the drop decides the forecast


def forecast(
    curve: Curve, at: ArrayLike, siblings: Sequence[Curve] = (), level: float = 0.9, token_budget: float | None = None
) -> Forecast:
    """Forecast the loss of a run that is being trained.

    Args:
        curve: what has been seen, with the schedule of the whole run where it is known. Another schedule answers "what if"; one that
            ends where the data end is the rate so far, and the forecast averages over schedules that fit it.
        at: tokens, scalar or (m,), to forecast the loss at.
        siblings: finished runs of the same family (other sizes or schedules), each with its schedule.
        level: of the interval.
        token_budget: tokens at which schedules with an unknown future are assumed to end; the farthest of `at` unless given.

    Raises:
        TypeError: no Curve, or siblings that are none.
        ValueError: tokens or a level that make no sense.

    >>> tokens = np.arange(1, 41) * 1e6
    >>> f = forecast(Curve(tokens, 2 + (1e6 / tokens) ** 0.5), at=8e7)
    >>> bool(f.low < 2 + 80**-0.5 < f.high), f.outcome.name
    (True, 'NO_SCHEDULE')
    """
    _check(curve, siblings, level)
    targets = places(at)
    last = _level(curve.loss)
    if (refusal := refuse(curve)) is not None:
        return refused(at, level, refusal, last)
    end = max(float(targets.max()), token_budget or 0.0)
    curve = in_usual_steps(curve, end)
    profile = None if curve.schedule is None or curve.step is None else read_profile(curve.schedule)
    finite, gathered = gather(curve)
    used, profile = usable(finite, profile)
    early = too_short(curve, used, profile) or (ForecastOutcome.DIVERGED if diverged(used) else None)
    if early is not None:
        return refused(at, level, early, last, scatter(finite.loss) / abs(last or 1.0))
    digit = resolution(curve.loss[np.isfinite(curve.loss)])
    student, units, outcome, facts = _distribution(used, targets, siblings, profile, gathered, end, digit)
    found = answer(student, units, at, level, outcome, last, digit if used.loss.min() > 0 else -np.inf, **facts)
    return measured(found, curve, level, forecast)


def _check(curve: Curve, siblings: Sequence[Curve], level: float) -> None:
    if not isinstance(curve, Curve):
        raise TypeError(f"forecast needs a Curve, e.g. Curve(tokens, loss), got {type(curve).__name__}")
    if isinstance(siblings, Curve) or not all(isinstance(sibling, Curve) for sibling in siblings):
        raise TypeError("siblings must be a sequence of Curves, e.g. [Curve(tokens, loss, step, schedule)]")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")


def _level(loss: Floats) -> float:
    finite = loss[np.isfinite(loss)]
    return float(np.median(finite[-3:])) if len(finite) else float("nan")


def _distribution(
    used: Curve,
    targets: Floats,
    siblings: Sequence[Curve],
    profile: RateProfile | None,
    gathered: int,
    end: float,
    digit: float,
) -> tuple[SplitStudent, Units, ForecastOutcome, dict[str, Any]]:
    """The fitted loss at `targets`, its units, how it was made, and the numbers that a Forecast states beside it."""
    replayed = replays(used, end, siblings, PRIOR)
    family = pool(replayed)
    observed = observe(used, targets, profile, gathered, digit=digit)
    units = observed.units
    futures = unknown_future(used, profile, end)
    own = predict(in_each(observed, used, targets, futures) if futures else observed, PRIOR, family)
    cuts = backtest(used, profile, gathered, units, PRIOR)
    found = corrected(calibrated(own, cuts, profile is not None), replayed, profile is not None, PRIOR)
    law, remaining = median_over(found, futures, len(targets))
    turned = turns_up(observed)
    student = combined((law + observed.offset_at[:, None]).T, plain_laws(observed), cuts, observed, remaining, turned)
    student = _past_as_it_was(student, observed, used, targets)
    student = student if futures else _where_nothing_trains(student, observed, used, profile)
    outcome = _outcome(used, targets, profile, found, family is not None, futures, turned)
    floor = found.posterior.floor
    facts = dict(
        floor=units.level * floor if units.log else float(units.logged(np.array(floor))),
        noise=observed.noise * units.unit / abs(units.level or 1.0),
        law=("annealing" if profile is not None else "power") + " + plain laws",
        schedules={future.name: future.weight for future in futures},
    )
    return student, units, outcome, facts


def _outcome(
    used: Curve, targets: Floats, profile: RateProfile | None, found: LawForecast, transferred: bool, futures: list[Future], turned: bool
) -> ForecastOutcome:
    if turned:
        return ForecastOutcome.TURNS_UP
    if targets.max() <= used.tokens[-1]:
        return ForecastOutcome.SEEN
    if profile is None:
        return ForecastOutcome.NO_SCHEDULE
    if futures:
        return SO_FAR[futures[-1].name]
    if profile.step[-1] < BEYOND * float(step_at(used, targets).max()):
        return ForecastOutcome.SCHEDULE_ENDS
    now = float(profile.rate_at(step_at(used, used.tokens[-1:]))[0])
    if now < HIGH_RATE or found.remaining.max() < FALL:
        return ForecastOutcome.FORECAST
    return ForecastOutcome.DECAY_UNSEEN_SIBLINGS if transferred else ForecastOutcome.DECAY_UNSEEN_PRIOR


def _past_as_it_was(student: SplitStudent, observed: Observed, used: Curve, targets: Floats) -> SplitStudent:
    """Places that have been passed already are the curve there, give or take its noise."""
    past = targets <= used.tokens[-1]
    if not past.any():
        return student
    here = np.searchsorted(used.tokens, targets[past])
    median, below, above = student.median.copy(), student.below.copy(), student.above.copy()
    median[past] = observed.units.fitted(np.array([np.median(used.loss[max(i - 2, 0) : i + 3]) for i in here]))
    below[past] = above[past] = max(observed.noise, 1e-9)
    return SplitStudent(median, below, above)


def _where_nothing_trains(student: SplitStudent, observed: Observed, used: Curve, profile: RateProfile | None) -> SplitStudent:
    """A rate of zero until there leaves the loss as it is, give or take its noise and what it has moved at that rate so far."""
    idle = observed.idle & (observed.tokens_at > observed.tokens[-1])
    if not idle.any() or profile is None or used.step is None:
        return student
    time = profile.effective_time(used.step)
    at_zero = observed.units.fitted(used.loss[time >= (1 - LEAST) * time[-1]])
    moved = median(at_zero[:LEVEL]) - median(at_zero[-LEVEL:])
    wide = float(np.hypot(max(observed.noise, 1e-9), moved))
    below, above = (np.where(idle, wide, side) for side in (student.below, student.above))
    level = observed.units.fitted(np.array([median(used.loss[-LEVEL:])]))
    return SplitStudent(np.where(idle, level, student.median), below, above)
