"""Schedules that a run may follow from here, where only its learning rate so far is known.

The usual shapes over the tokens asked for are compared with the rates so far: cosine to zero and to a tenth, linear to zero, WSD with a
decay over the last tenth or fifth, inverse square root, the rate as it is, a line to zero from here. Each has prior odds; a shape that the
rates so far contradict loses weight as exp(−(misfit / .02)²), misfit the root mean square difference in units of the peak.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.forecasting.distributions import Mixture
from lightning_scaling.forecasting.law_forecast import LawForecast
from lightning_scaling.forecasting.observed import Observed
from lightning_scaling.forecasting.rate_profile import SPEEDS, RateProfile, read_profile, step_at
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.schedule import Schedule

MISFIT = 0.02  # of the peak
FLAT = 0.02  # a rate that has moved by less is flat so far
PLACES = 64  # at which the rates so far are compared
KNOTS = 48  # of a future
BARELY = 0.05  # share of the steps to come that a schedule must cover to be known beyond the data
LEANING = 0.4  # from the median over the futures towards their mean
NEGLIGIBLE = 0.02  # weight below which a future is left out
_MOVING = {
    "cosine to zero": 1.0,
    "cosine to a tenth": 1.0,
    "linear": 1.0,
    "WSD, last tenth": 0.5,
    "WSD, last fifth": 0.5,
    "inverse square root": 0.5,
}
_FREE = {"linear from here": 0.25, "constant": 0.1}
_FLAT = {"constant": 0.6, "WSD, last fifth": 0.15, "WSD, last tenth": 0.1, "linear from here": 0.1, "cosine to zero": 0.05}


@dataclass(frozen=True, eq=False)
class Future:
    """A schedule that may be: what it is called, its weight among the futures, its profile from the first step to the end."""

    name: str
    weight: float
    profile: RateProfile


def imagined(past: RateProfile, now: float, end: float) -> list[Future]:
    """The futures of a rate known up to step `now`, over a run until step `end`; weights sum to one, the most likely comes last."""
    weight = _weights(past, now, end)
    kept = {name: w for name, w in weight.items() if w > NEGLIGIBLE * max(weight.values())}
    total = sum(kept.values())
    ordered = sorted(kept.items(), key=lambda item: item[1])
    return [Future(name, w / total, read_profile(_continued(past, _shape(name, past, now, end), now, end))) for name, w in ordered]


def _weights(past: RateProfile, now: float, end: float) -> dict[str, float]:
    places = np.linspace(past.peak_step, max(now, past.peak_step), PLACES)
    so_far = past.rate_at(places)
    if np.ptp(so_far) < FLAT:
        return dict(_FLAT)
    found = dict(_FREE)
    for name, odds in _MOVING.items():
        misfit = float(np.sqrt(np.mean((_shape(name, past, now, end)(places) - so_far) ** 2)))
        found[name] = odds * float(np.exp(-((misfit / MISFIT) ** 2)))
    return found


def _shape(name: str, past: RateProfile, now: float, end: float) -> Callable[[Floats], Floats]:
    """The rate of the named shape at each step, in units of the peak."""
    start, here = past.peak_step, float(past.rate_at(np.array([now]))[0])

    def progress(step: Floats) -> Floats:
        return np.clip((step - start) / max(end - start, 1e-12), 0.0, 1.0)

    shapes: dict[str, Callable[[Floats], Floats]] = {
        "cosine to zero": lambda s: (1 + np.cos(np.pi * progress(s))) / 2,
        "cosine to a tenth": lambda s: 0.1 + 0.45 * (1 + np.cos(np.pi * progress(s))),
        "linear": lambda s: 1 - progress(s),
        "WSD, last tenth": lambda s: np.clip((end - s) / (0.1 * end), 0.0, 1.0),
        "WSD, last fifth": lambda s: np.clip((end - s) / (0.2 * end), 0.0, 1.0),
        "inverse square root": lambda s: np.minimum(here * np.sqrt(now / np.maximum(s, 1e-12)), 1.0),
        "constant": lambda s: np.full_like(s, here),
        "linear from here": lambda s: here * np.clip((end - s) / max(end - now, 1e-12), 0.0, 1.0),
    }
    return shapes[name]


def _continued(past: RateProfile, shape: Callable[[Floats], Floats], now: float, end: float) -> Schedule:
    """The rates so far, then the shape, shifted to join them where it starts."""
    step = np.linspace(now, max(end, now * (1 + 1e-9)), KNOTS)
    rate = shape(step)
    joined = rate + (past.rate_at(np.array([now])) - rate[0]) * np.linspace(1.0, 0.0, KNOTS)
    before = past.step < now
    return Schedule(np.r_[past.step[before], step], np.r_[past.rate[before], np.maximum(joined, 0.0)])


def in_each(observed: Observed, curve: Curve, at: Floats, futures: Sequence[Future]) -> Observed:
    """The curve with its places asked for once for every future, (futures · m) in all, future after future."""
    step_now, steps = curve.step[-1:] if curve.step is not None else np.zeros(1), step_at(curve, at)
    eff_now, s_at, gain_at = observed.steps, [], []
    for future in futures:
        there = future.profile.effective_time(np.r_[step_now, steps])
        gains = future.profile.annealing(there, SPEEDS)
        s_at.append(np.maximum(1 + (there[1:] - there[0]) / eff_now, 1e-9))
        gain_at.append(observed.gain[-1] + gains[1:] - gains[0])
    many = len(futures)
    return replace(
        observed,
        s_at=np.concatenate(s_at),
        gain_at=np.concatenate(gain_at),
        tokens_at=np.tile(observed.tokens_at, many),
        extra_at=np.tile(observed.extra_at, (many, 1)),
        offset_at=np.tile(observed.offset_at, many),
    )


def unknown_future(curve: Curve, past: RateProfile | None, end: float) -> list[Future]:
    """The futures of a run until `end` tokens; none where no schedule is known, or where it continues beyond the data."""
    if past is None or curve.step is None or curve.schedule is None or end <= curve.tokens[-1]:
        return []
    now, last = float(curve.step[-1]), float(step_at(curve, np.array([end]))[0])
    return imagined(past, now, last) if curve.schedule.end < now + BARELY * (last - now) else []


def median_over(found: LawForecast, futures: Sequence[Future], m: int) -> tuple[Floats, Floats]:
    """(m, 3) middle, 5 % and 95 % quantile over all futures, and (m,) their mean remaining annealing."""
    mixture, weight = found.mixture, np.array([future.weight for future in futures] or [1.0])
    if len(weight) > 1:
        mean, deviation = (x.reshape(-1, len(weight), m).swapaxes(0, 1).reshape(-1, m) for x in (mixture.mean, mixture.deviation))
        mixture = Mixture(np.outer(weight, mixture.weight).ravel(), mean, deviation).main(1e-3)
    quantiles = mixture.quantiles(np.array([0.5, 0.05, 0.95])).T
    if len(weight) > 1:
        quantiles[:, 0] += LEANING * (mixture.weight @ mixture.mean - quantiles[:, 0])
    return quantiles, weight @ found.remaining.reshape(len(weight), m)
