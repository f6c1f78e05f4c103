"""The learning-rate plan of a whole run: where the rate has been and where it is going."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Schedule:
    """A piecewise linear learning rate over optimiser steps, past and future.

    Args:
        step: (n,) steps, increasing (two points on one step make a jump).
        lr: (n,) learning rates in any unit: no answer of this package depends on their absolute size.

    Raises:
        ValueError: no point at all, unequal lengths, steps that fall, rates that are negative, not finite, or zero throughout.

    >>> Schedule([0, 100, 1000], [0.0, 3e-4, 0.0]).at(550)
    0.00015
    """

    step: NDArray[np.float64]
    lr: NDArray[np.float64]

    def __init__(self, step: ArrayLike, lr: ArrayLike) -> None:
        object.__setattr__(self, "step", np.atleast_1d(np.asarray(step, dtype=np.float64)))
        object.__setattr__(self, "lr", np.atleast_1d(np.asarray(lr, dtype=np.float64)))
        self._check()

    def _check(self) -> None:
        if self.step.ndim != 1 or self.step.shape != self.lr.shape or not len(self.step):
            raise ValueError(f"a schedule needs step and lr of equal length, got shapes {self.step.shape} and {self.lr.shape}")
        if not (np.isfinite(self.step).all() and np.isfinite(self.lr).all()):
            raise ValueError("a schedule's steps and rates must be finite numbers")
        if (self.step[1:] < self.step[:-1]).any():
            raise ValueError("a schedule's steps must not fall")
        if (self.lr < 0).any() or not self.lr.any():
            raise ValueError("a schedule's rates must be zero or more, and not all zero")

    def at(self, step: Any) -> Any:
        """The rate at `step` (scalar or array), held constant beyond both ends."""
        value = np.interp(step, self.step, self.lr)
        return float(value) if np.ndim(value) == 0 else value

    @property
    def peak(self) -> float:
        """The largest rate of the plan."""
        return float(self.lr.max())

    @property
    def end(self) -> float:
        """The last step of the plan."""
        return float(self.step[-1])
