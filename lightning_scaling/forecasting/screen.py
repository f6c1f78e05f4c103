"""Whether a curve can be forecast at all, and what shape it is in: warm-up, too few points, turned up, diverged."""

from dataclasses import replace

import numpy as np

from lightning_scaling.forecasting.curve_points import scatter
from lightning_scaling.forecasting.observed import Observed
from lightning_scaling.forecasting.rate_profile import RateProfile
from lightning_scaling.forecasting.result import ForecastOutcome
from lightning_scaling.run.curve import Curve

ENOUGH = 6  # points after warm-up without which no slope is known
BROKEN = 3  # this many losses in a row, up to now, that are not finite
LOST = 10.0  # robust deviations of the noise, beyond which a loss above its own beginning is no spike
SURE = 4.0  # standard errors that a rise must have
IDLE = 1e-6  # rise of effective time over all points that is none
REWARMED = 0.01  # of the gain of a full annealing, taken back between two points: the schedule raised the rate
RISE = 0.002  # and this share of the loss: a .4 % rise is what a backtest calls turning up, half of it is enough to warn


def refuse(curve: Curve) -> ForecastOutcome | None:
    """Why the logged losses cannot be used at all, None where they can."""
    finite = np.isfinite(curve.loss)
    if not finite.any():
        return ForecastOutcome.NOT_FINITE
    if len(finite) > BROKEN and not finite[-BROKEN:].any():
        return ForecastOutcome.DIVERGED
    return None


def usable(curve: Curve, profile: RateProfile | None) -> tuple[Curve, RateProfile | None]:
    """The points after warm-up and the schedule behind them; without one where it cannot have trained anything."""
    used = _after_warmup(curve, profile)
    if profile is None or not _idle(used, profile):
        return used, profile
    return replace(used, step=None, schedule=None), None


def _after_warmup(curve: Curve, profile: RateProfile | None) -> Curve:
    """The points from the schedule's peak on; where no schedule is known, from the highest of the first tenth on."""
    if profile is not None and curve.step is not None:
        return curve.take(curve.step >= profile.peak_step)
    early = curve.loss[: max(len(curve) // 10, 1)]
    return curve.take(slice(int(np.argmax(early)), None))


def too_short(curve: Curve, used: Curve, profile: RateProfile | None) -> ForecastOutcome | None:
    """Why so few points are left after warm-up, None where there are enough."""
    if len(used) >= ENOUGH:
        return None
    warming = profile is not None and curve.step is not None and curve.step[-1] < profile.peak_step
    return ForecastOutcome.WARMUP if warming else ForecastOutcome.TOO_FEW_POINTS


def _idle(curve: Curve, profile: RateProfile) -> bool:
    """Steps that do not rise, or rates that were zero at every point: such a schedule explains no loss."""
    if curve.step is None or len(curve) < ENOUGH:
        return False
    first, last = profile.effective_time(curve.step[[0, -1]])
    return bool(last <= (1 + IDLE) * first)


def diverged(curve: Curve) -> bool:
    """The last three losses all lie above where the curve began, far beyond its noise."""
    noise = max(scatter(curve.loss), 1e-12 * abs(float(curve.loss[0])))
    start = float(np.median(curve.loss[:3]))
    return bool(len(curve) >= 2 * ENOUGH and curve.loss[-3:].min() > start + LOST * noise)


def turns_up(observed: Observed) -> bool:
    """The newest eighth lies above an earlier eighth by more than its noise, and no rate that rises explains it."""
    loss, size = observed.loss + observed.offset, max(len(observed.s) // 8, 2)
    means = np.convolve(loss, np.ones(size) / size, mode="valid")
    bend = float(np.std(loss[-size:] - np.linspace(loss[-size], loss[-1], size)))
    error = bend / np.sqrt(size) + observed.noise / np.sqrt(observed.count[-size:].sum())
    rise = means[-1] - means[: max(len(means) - size, 1)].min()
    rewarmed = bool((np.diff(observed.gain, axis=0) < -REWARMED).any())
    return bool(rise > RISE + SURE * error and not rewarmed)
