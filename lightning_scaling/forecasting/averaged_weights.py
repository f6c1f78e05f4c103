"""The drop of the remaining decay, measured: the loss of averaged weights shows most of it while the rate is high.

With g = ln(loss / averaged loss) of an average over the last twentieth of the steps, a full decay takes DROP·g off the loss, and g goes
with rate^SHRINKS. So ln L − DROP·g is the loss as if it had been annealed at every point: it depends on the effective training time alone
and is extrapolated without a schedule; what the last rate leaves un-annealed is added again. This view and that of the annealing law are
averaged in logarithms. Constants: byte-level GPTs, then two-layer networks on text and images at other sizes, optimisers and batches
(`benchmarks/averaging.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.forecasting.distributions import SplitStudent
from lightning_scaling.forecasting.rate_profile import RateProfile, read_profile, step_at
from lightning_scaling.forecasting.result import Forecast, ForecastOutcome, answer, places
from lightning_scaling.run.curve import Curve

DROP = 1.38  # of a full decay over a fifth of the run, in g; over runs .14 in log, below about 1 000 steps .25 to .5 less
UNSURE, UNSURE_SHORT, SHORT = 0.15, 0.4, 1000.0  # deviation of that factor, in log; in runs that are short; steps
SHRINKS = 0.85  # power of the rate in g
FALL = 0.88  # power of the rate in what a fall takes off
LOWEST = 0.05  # of the peak: g of lower rates is as at this one
WIDTH = 0.35  # e-folds of steps over which g is smoothed
FEWEST = 4  # evaluations
HELD, DECAYING = 1.0, 0.65  # weight of the measured view: while the rate is at its peak, and once it has fallen
OWN = 1 / DROP  # the same where averaged weights are all that is validated: of a full decay's drop that share is in their loss already
STILL_HIGH, FALLEN = 0.95, 0.6  # of the peak, between which the weight changes
APART = 0.15  # share of the two views' distance that enters the deviation
STATED = 0.3  # weight from which the outcome states that the drop is measured


@dataclass(frozen=True, eq=False)
class Annealed:
    """Args:
    curve: effective training time as tokens, the loss as if annealed at each point.
    at: (m,) effective time of the places asked for.
    left: (m,) log loss that the rate there leaves un-annealed.
    to_fall: (m,) share of a full annealing that remains; 0 where the rate stays.
    undecayed: 1 while the rate is at its peak, 0 once it has fallen.
    gap: g now, at the peak rate.
    own: the logged loss is that of averaged weights itself.
    """

    curve: Curve
    at: Floats
    left: Floats
    to_fall: Floats
    undecayed: float
    gap: float
    own: bool


def measured(found: Forecast, curve: Curve, level: float, ask: Callable[..., Forecast]) -> Forecast:
    """The forecast with the measured drop; unchanged where nothing was measured, no schedule is known, or no rate has still to fall."""
    seen = annealed(curve, places(found.at))
    if seen is None or found._student is None or found._units is None or not found._units.log:
        return found
    view = ask(seen.curve, seen.at, level=level)  # as if annealed at every point, so without a schedule
    if view._student is None or view._units is None:
        return found
    steps = float(curve.step[-1]) if curve.step is not None and curve.optimizer_steps else np.inf
    student, weight = _both(found._student, view._student, np.log(view._units.level / found._units.level), seen, steps)
    outcome = ForecastOutcome.MEASURED if weight.max() >= STATED and not found.outcome.declined else found.outcome
    kept = {name: getattr(found, name) for name in ("floor", "noise", "schedules", "unit")}
    return answer(student, found._units, found.at, level, outcome, found.last, 0.0, law=f"{found.law} + averaged weights", **kept)


def _both(law: SplitStudent, view: SplitStudent, shift: float, seen: Annealed, steps: float) -> tuple[SplitStudent, Floats]:
    held = OWN if seen.own else HELD
    weight = seen.to_fall * (min(DECAYING, held) + max(held - DECAYING, 0.0) * seen.undecayed)
    centre = view.median + shift + seen.left
    unsure = UNSURE + (UNSURE_SHORT - UNSURE) * np.exp(-((steps / SHORT) ** 2))
    extra = np.hypot(unsure * DROP * seen.gap * seen.to_fall, APART * (centre - law.median))
    sides = [
        (1 - weight) * of_law + weight * np.hypot(of_view, extra) for of_law, of_view in ((law.below, view.below), (law.above, view.above))
    ]
    return SplitStudent((1 - weight) * law.median + weight * centre, *sides), weight


def annealed(curve: Curve, at: Floats) -> Annealed | None:
    """The curve as if annealed, None where too little was measured or nothing is known of the rate."""
    if curve.averaged_loss is None or curve.schedule is None or curve.step is None or at.max() <= curve.tokens[-1]:
        return None
    profile = read_profile(curve.schedule)
    kept = curve.take((curve.step >= profile.peak_step) & np.isfinite(curve.loss) & (curve.loss > 0) & (curve.step > 0))
    assert kept.step is not None
    assert kept.averaged_loss is not None
    if (np.isfinite(kept.averaged_loss) & (kept.averaged_loss > 0)).sum() < FEWEST:
        return None
    rate, steps = profile.rate_at(kept.step), step_at(kept, at)
    gap = _gap(kept, rate)
    time, there = profile.effective_time(kept.step), profile.effective_time(steps)
    rises = np.r_[True, np.diff(time) > 0] & (time > 0)
    loss = kept.loss * np.exp(-DROP * gap * rate**SHRINKS)
    left = DROP * gap[-1] * profile.rate_at(steps) ** SHRINKS
    own = bool(np.array_equal(kept.averaged_loss, kept.loss))
    places_at = np.maximum(there, time[-1] * (1 + 1e-9))
    high = float(np.clip((rate[-1] - FALLEN) / (STILL_HIGH - FALLEN), 0.0, 1.0))
    return Annealed(Curve(time[rises], loss[rises]), places_at, left, _to_fall(profile, rate[-1], steps), high, float(gap[-1]), own)


def _to_fall(profile: RateProfile, now: float, steps: Floats) -> Floats:
    return np.asarray(np.clip(1 - (profile.rate_at(steps) / max(now, 1e-9)) ** FALL, 0.0, 1.0))


def _gap(kept: Curve, rate: Floats) -> Floats:
    """(n,) g at every point as it would be at the peak rate, smoothed over log steps."""
    assert kept.averaged_loss is not None
    assert kept.step is not None
    known = np.isfinite(kept.averaged_loss) & (kept.averaged_loss > 0)
    shrunk = np.maximum(rate[known], LOWEST) ** SHRINKS
    gaps = np.log(kept.loss[known] / kept.averaged_loss[known]) / shrunk
    apart = (np.log(kept.step)[:, None] - np.log(kept.step[known])) / WIDTH
    weight = np.exp(-(apart**2) / 2 + (apart**2).min(1, keepdims=True) / 2) * shrunk
    return np.asarray(weight @ gaps / weight.sum(1))
