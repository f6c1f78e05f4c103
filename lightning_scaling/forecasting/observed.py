"""A curve as the laws are fitted to it: a clock that is 1 now, a loss that is 0 now, a few dozen points.

The loss is taken in logarithms, so that noise, drift and the gain of annealing are shares of it and a squared error may fall by decades;
a loss that reaches zero or below (a log-likelihood) is taken as it is, in units of ten times its range.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats, median
from lightning_scaling.forecasting.curve_points import CurvePoints, thin
from lightning_scaling.forecasting.rate_profile import SPEEDS, RateProfile, step_at
from lightning_scaling.run.curve import Curve

KEEP = 0.17  # effective time below this share of what has been seen is left out: the early part follows another exponent
FEWEST = 12  # but at least so many points are kept
# What repeating data costs: on the runs of Muennighoff et al. (2023, arXiv 2305.16264; 2.8B to 8.7B parameters, 1 to 44 epochs) the log
# of the loss over that of a run that never repeats grows almost linearly in epochs, by about RATE·(params / unique tokens)^POWER an epoch,
# and slackens after some dozens. Read off those curves here: .75 % an epoch at 2.2 parameters a unique token, .35 % at .7, .2 % at .35,
# .15 % at .2. The amount is a prior only; the run corrects it.
RATE, POWER = 0.0044, 0.75
SLACKENS = 60.0  # epochs
UNSURE = 0.6  # standard deviation of the amount, as a share of it
IDLE = 0.01  # of the tokens that pass, both in logarithms
FLAT = 1e-12  # unit of a loss that is zero throughout
USUAL = 0.5  # parameters a unique token where the size is not known


@dataclass(frozen=True)
class Units:
    """Between a loss as logged and the loss as fitted: log(loss / level), or (loss − level) / unit."""

    level: float
    unit: float
    log: bool

    def fitted(self, loss: Floats) -> Floats:
        return np.asarray(np.log(np.maximum(loss / self.level, 1e-300)) if self.log else (loss - self.level) / self.unit)

    def logged(self, value: Floats) -> Floats:
        return np.asarray(self.level * np.exp(np.clip(value, -600.0, 600.0)) if self.log else self.level + self.unit * value)


@dataclass(frozen=True, eq=False)
class Observed:
    """Args:
    s, loss, count: (n,) effective time, fitted loss, and how many logged points each gathers.
    tokens: (n,) tokens in units of those seen so far.
    steps: how many steps at the peak rate the effective time up to now amounts to; 0 where no schedule is known.
    noise: standard deviation of one logged point, fitted.
    gain: (n, j) annealing gained, under each speed of response; one column of zeros where no schedule is known.
    extra: (n, e) shapes whose amount is unknown, in units of its standard deviation.
    s_at, tokens_at, gain_at, extra_at: (m, …) the same where the loss is asked for.
    offset: (n,), offset_at: (m,) what is expected on top of the law (repeated data); already taken off `loss`.
    """

    s: Floats
    loss: Floats
    count: Floats
    tokens: Floats
    steps: float
    noise: float
    gain: Floats
    extra: Floats
    s_at: Floats
    tokens_at: Floats
    gain_at: Floats
    extra_at: Floats
    offset: Floats
    offset_at: Floats
    units: Units

    @property
    def idle(self) -> NDArray[np.bool_]:
        """(m,) whether hardly any effective time passes until there: a rate of zero trains nothing."""
        passed = np.log(np.maximum(self.tokens_at / self.tokens[-1], 1.0))
        return np.asarray(np.log(np.maximum(self.s_at / self.s[-1], 1.0)) < IDLE * passed)


def observe(
    curve: Curve, at: Floats, profile: RateProfile | None, gathered: int = 1, now: float | None = None, digit: float = 0.0
) -> Observed:
    """A finite curve prepared for forecasts at `at` tokens (m,); each of its points averages `gathered` logged ones.

    `now`, in tokens, is where the clock is 1: the end of the curve, unless a finished run is looked at from an earlier point of it.
    """
    now = float(curve.tokens[-1]) if now is None else now
    effective_time, effective_at, effective_now = _clocks(curve, at, now, profile)
    kept = _late(effective_time, effective_now)
    points = thin(effective_time[kept], curve.loss[kept], gathered, digit)
    units = _units(points)
    observed = _bare(points, units, np.interp(points.x, effective_time, curve.tokens), effective_now, effective_at, at, now)
    return _with_repetition(_with_gain(observed, points.x, effective_now, effective_at, profile), curve, at)


def _clocks(curve: Curve, at: Floats, now: float, profile: RateProfile | None) -> tuple[Floats, Floats, float]:
    if profile is None or curve.step is None:
        return curve.tokens, at, now
    effective_time = profile.effective_time(curve.step)
    at_least = 1e-9 * effective_time[-1]
    later = np.maximum(profile.effective_time(step_at(curve, np.append(at, now))), at_least)
    return effective_time, later[:-1], float(later[-1])


def _late(effective_time: Floats, now: float) -> slice:
    first = int(np.searchsorted(effective_time, KEEP * now))
    return slice(max(0, min(first, len(effective_time) - FEWEST)), None)


def _units(points: CurvePoints) -> Units:
    level = median(points.loss[-5:])
    if points.loss.min() > 0:
        return Units(level, level, log=True)
    return Units(level, 10 * float(np.ptp(points.loss)) or 0.1 * abs(level) or FLAT, log=False)


def _bare(points: CurvePoints, units: Units, tokens: Floats, now: float, effective_at: Floats, at: Floats, seen_tokens: float) -> Observed:
    n, m = len(points), len(at)
    loss = units.fitted(points.loss)
    zeros, zeros_at = np.zeros((n, 1)), np.zeros((m, 1))
    return Observed(
        s=points.x / now,
        loss=loss,
        count=points.count,
        tokens=tokens / seen_tokens,
        steps=0.0,
        noise=points.noise / units.unit,
        gain=zeros,
        extra=zeros,
        s_at=effective_at / now,
        tokens_at=at / seen_tokens,
        gain_at=zeros_at,
        extra_at=zeros_at,
        offset=zeros[:, 0],
        offset_at=zeros_at[:, 0],
        units=units,
    )


def _with_gain(observed: Observed, effective_time: Floats, now: float, effective_at: Floats, profile: RateProfile | None) -> Observed:
    if profile is None:
        return observed
    both = profile.annealing(np.r_[effective_time, effective_at], SPEEDS)
    return replace(observed, steps=now, gain=both[: len(effective_time)], gain_at=both[len(effective_time) :])


def _with_repetition(observed: Observed, curve: Curve, at: Floats) -> Observed:
    """Repeated data: the expected excess is taken off, relative to now, and its amount left open."""
    if curve.unique_tokens is None or max(at.max(), curve.tokens[-1]) <= curve.unique_tokens:
        return observed
    now = excess(curve.tokens[-1:], curve.unique_tokens, curve.params)
    before = excess(observed.tokens * curve.tokens[-1], curve.unique_tokens, curve.params) - now
    later = excess(at, curve.unique_tokens, curve.params) - now
    extra, extra_at = UNSURE * before[:, None], UNSURE * later[:, None]
    return replace(observed, loss=observed.loss - before, extra=extra, extra_at=extra_at, offset=before, offset_at=later)


def excess(tokens: Floats, unique_tokens: float | None, params: float | None) -> Floats:
    """(n,) expected log excess loss after `tokens`; zero where the data is not repeated.

    >>> excess(np.array([5e10]), 1.25e9, 2.8e9).round(2).tolist()
    [0.23]
    """
    if unique_tokens is None:
        return np.zeros(np.shape(tokens))
    epochs = np.maximum(tokens / unique_tokens - 1.0, 0.0)
    density = USUAL if params is None else params / unique_tokens
    return np.asarray(RATE * density**POWER * SLACKENS * (1 - np.exp(-epochs / SLACKENS)))
