"""The learning-rate schedule of a run: where the rate has been and, where it is known, where it is going."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_scaling import numbers
from lightning_scaling.printed import Printed

KNOTS = 512  # of a cosine, as a polygon


@dataclass(frozen=True, eq=False, repr=False)
class Schedule(Printed):
    """A piecewise linear learning rate over steps, past and future.

    Args:
        step: (n,) steps, increasing (two points on one step make a jump).
        lr: (n,) learning rates in any unit: no answer of this package depends on their absolute size. Rates below zero, the rounding
            of a decay or a rule evaluated beyond its end, count as zero.

    Raises:
        ValueError: no point at all, unequal lengths, steps that fall, rates that are not finite or nowhere above zero.

    >>> Schedule([0, 100, 1000], [0.0, 3e-4, 0.0]).at(550)
    0.00015
    """

    step: NDArray[np.float64]
    lr: NDArray[np.float64]

    def __init__(self, step: ArrayLike, lr: ArrayLike) -> None:
        object.__setattr__(self, "step", np.atleast_1d(np.asarray(step, dtype=np.float64)))
        object.__setattr__(self, "lr", np.atleast_1d(np.asarray(lr, dtype=np.float64)))
        self._check()
        object.__setattr__(self, "lr", np.maximum(self.lr, 0.0))

    def _check(self) -> None:
        if self.step.ndim != 1 or self.step.shape != self.lr.shape or not len(self.step):
            raise ValueError(f"a schedule needs step and lr of equal length, got shapes {self.step.shape} and {self.lr.shape}")
        if not (np.isfinite(self.step).all() and np.isfinite(self.lr).all()):
            raise ValueError("a schedule's steps and rates must be finite numbers")
        if (self.step[1:] < self.step[:-1]).any():
            raise ValueError("a schedule's steps must not fall")
        if not (self.lr > 0).any():
            raise ValueError("a schedule needs a rate above zero somewhere: give the learning rates, or leave the schedule out")

    def _sentence(self) -> str:
        first, top, last = (numbers.plain(value) for value in (self.lr[0], self.lr.max(), self.lr[-1]))
        return f"A learning-rate schedule of {numbers.count(self.step[-1])} steps: {first} at its start, at most {top}, {last} at its end."

    @classmethod
    def cosine(cls, steps: float, peak: float = 1.0, end: float = 0.1, warmup: float = 0) -> "Schedule":
        """Half a cosine from `peak` to the share `end` of it at `steps`, after a linear warm-up.

        >>> Schedule.cosine(1000, peak=3e-4, end=0.1).at([0, 1000]).round(7).tolist()
        [0.0003, 3e-05]
        """
        return cls._shaped(steps, peak, warmup, lambda p: end + (1 - end) * (1 + np.cos(np.pi * p)) / 2, end=end)

    @classmethod
    def linear(cls, steps: float, peak: float = 1.0, end: float = 0.0, warmup: float = 0) -> "Schedule":
        """A straight line from `peak` to the share `end` of it at `steps`, after a linear warm-up."""
        return cls._shaped(steps, peak, warmup, lambda p: 1 - (1 - end) * p, end=end)

    @classmethod
    def wsd(cls, steps: float, peak: float = 1.0, decay: float = 0.2, end: float = 0.0, warmup: float = 0) -> "Schedule":
        """Warm-up, stable, decay: constant, then a straight line to the share `end` of the peak over the last share `decay` of `steps`.

        >>> Schedule.wsd(1000, decay=0.2).at([800, 900]).round(3).tolist()
        [1.0, 0.5]
        """
        if not 0 < decay <= 1:
            raise ValueError(f"decay is the share of the run over which the rate falls, above 0 and at most 1, got {decay:g}")
        if decay * steps > steps - warmup:
            raise ValueError(f"a warm-up of {warmup:g} and a decay over {decay:g} of {steps:g} steps overlap")
        start = ((1 - decay) * steps - warmup) / (steps - warmup)
        return cls._shaped(steps, peak, warmup, lambda p: 1 - (1 - end) * np.clip((p - start) / (1 - start), 0, 1), end, knot=start)

    @classmethod
    def constant(cls, steps: float, peak: float = 1.0, warmup: float = 0) -> "Schedule":
        """`peak` until `steps`, after a linear warm-up."""
        return cls._shaped(steps, peak, warmup, np.ones_like)

    @classmethod
    def _shaped(
        cls, steps: float, peak: float, warmup: float, shape: Callable[[Any], Any], end: float = 0.0, knot: float = 0.0
    ) -> "Schedule":
        if not (np.isfinite([steps, peak, warmup]).all() and steps > 0 and peak > 0):
            raise ValueError(f"steps and peak must be positive numbers, got {steps:g} and {peak:g}")
        if not 0 <= warmup < steps:
            raise ValueError(f"the warm-up must be shorter than the run, got {warmup:g} of {steps:g} steps")
        if not 0 <= end <= 1:
            raise ValueError(f"end is a share of the peak, from 0 to 1, got {end:g}")
        progress = np.union1d(np.linspace(0.0, 1.0, KNOTS + 1), [knot])
        step, lr = warmup + (steps - warmup) * progress, peak * np.asarray(shape(progress))
        return cls(np.r_[0.0, step], np.r_[0.0, lr]) if warmup > 0 else cls(step, lr)

    def at(self, step: Any) -> Any:
        """The rate at `step` (scalar or array), held constant beyond both ends."""
        value = np.interp(step, self.step, self.lr)
        return float(value) if np.ndim(value) == 0 else value

    @property
    def peak(self) -> float:
        """The largest rate of the schedule."""
        return float(self.lr.max())

    @property
    def peak_step(self) -> float:
        """The first step within half a percent of the peak: the end of a warm-up."""
        return float(self.step[np.argmax(self.lr >= 0.995 * self.peak)])

    @property
    def end(self) -> float:
        """The last step of the schedule."""
        return float(self.step[-1])
