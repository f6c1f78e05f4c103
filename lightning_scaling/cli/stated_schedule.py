"""A learning-rate schedule stated on the command line, cosine:0.1, linear, wsd:0.2 or constant, as the future of a run that was read."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lightning_scaling.forecasting.rate_profile import step_at
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.schedule import Schedule

SHAPES: dict[str, Callable[..., Schedule]] = {
    "cosine": Schedule.cosine,
    "linear": Schedule.linear,
    "wsd": Schedule.wsd,
    "constant": Schedule.constant,
}
NUMBER = {"cosine": "end", "linear": "end", "wsd": "decay"}


def with_schedule(curve: Curve, stated: str, at: float) -> Curve:
    """The run with the rates that were read up to now and the stated shape from here to `at` tokens.

    Raises:
        ValueError: an unknown shape, or a number that it cannot have.
    """
    step = curve.tokens if curve.step is None else curve.step
    curve = replace(curve, step=step)
    now, end = float(step[-1]), float(step_at(curve, np.array([max(at, float(curve.tokens[-1]))]))[0])
    known = curve.schedule
    peak = 1.0 if known is None else known.peak
    warmup = 0.0 if known is None else float(known.step[np.argmax(known.lr >= 0.995 * peak)])
    shape = _schedule(stated, end, peak, warmup if warmup < 0.2 * end else 0.0)
    if known is None:
        return replace(curve, schedule=shape)
    before, later = known.step < now, shape.step > now
    return replace(
        curve, schedule=Schedule(np.r_[known.step[before], now, shape.step[later]], np.r_[known.lr[before], known.at(now), shape.lr[later]])
    )


def _schedule(stated: str, steps: float, peak: float, warmup: float) -> Schedule:
    name, _, number = stated.strip().lower().partition(":")
    if name not in SHAPES:
        raise ValueError(f"--schedule {stated}: no such shape; choose cosine:0.1, linear, wsd:0.2 or constant")
    try:
        value = {NUMBER[name]: float(number)} if number else {}
    except (KeyError, ValueError):
        raise ValueError(f"--schedule {stated}: {name} takes {'a number after the colon' if name in NUMBER else 'no number'}") from None
    try:
        return SHAPES[name](steps, peak=peak, warmup=warmup, **value)
    except ValueError as error:
        raise ValueError(f"--schedule {stated}: {error}") from None
