"""A training run as the rest of the package sees it: loss against tokens, with the learning-rate schedule it follows."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_scaling import numbers
from lightning_scaling.printed import Printed, Rows
from lightning_scaling.run.schedule import Schedule
from lightning_scaling.units import training_flops


@dataclass(frozen=True, eq=False, repr=False)
class Curve(Printed):
    """What has been seen of one run so far.

    Args:
        tokens: (n,) cumulative training tokens (examples, patches…: any unit of data), strictly increasing and positive.
        loss: (n,) loss at those tokens, any unit; NaN and inf are allowed and left out of fits.
        step: (n,) optimiser steps, not decreasing; needed beside a schedule.
        schedule: the learning-rate schedule, in the same steps; of the whole run where it is known. One that ends where the data end
            is the rate so far, and its future is unknown.
        params: N of the model, or None.
        unique_tokens: size of the data where it is repeated, else None.
        averaged_loss: (n,) loss of averaged weights at the same points, NaN where it was not evaluated.
        optimizer_steps: `step` is known to count optimiser steps; without that it may count anything, epochs and tokens included.

    Raises:
        ValueError: arrays of unequal length, tokens that do not rise, a schedule without steps.

    >>> Curve([1e6, 2e6, 4e6], [5.0, 4.5, 4.1], params=1000).flops[-1].item()
    24000000000.0
    """

    tokens: NDArray[np.float64]
    loss: NDArray[np.float64]
    step: NDArray[np.float64] | None = None
    schedule: Schedule | None = None
    params: int | None = None
    unique_tokens: float | None = None
    averaged_loss: NDArray[np.float64] | None = None
    optimizer_steps: bool = False

    def __init__(
        self,
        tokens: ArrayLike,
        loss: ArrayLike,
        step: ArrayLike | None = None,
        schedule: Schedule | None = None,
        params: int | None = None,
        unique_tokens: float | None = None,
        averaged_loss: ArrayLike | None = None,
        optimizer_steps: bool = False,
    ) -> None:
        fields: dict[str, Any] = dict(
            tokens=_floats(tokens), loss=_floats(loss), step=_optional(step), averaged_loss=_optional(averaged_loss)
        )
        fields |= dict(schedule=schedule, params=params, unique_tokens=unique_tokens, optimizer_steps=bool(optimizer_steps))
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        self._check()

    def _sentence(self) -> str:
        finite = self.loss[np.isfinite(self.loss)]
        if not len(finite):
            return f"A curve of {len(self)} points without a finite loss."
        size = f" of a model of {numbers.count(self.params)} parameters" if self.params else ""
        rate = "without a learning-rate schedule" if self.schedule is None else "with a learning-rate schedule"
        return f"A curve of {len(self)} points{size}: loss {numbers.loss(finite[0])} to {numbers.loss(finite[-1])}, {rate}."

    def _table(self) -> Rows:
        shown = np.unique(np.linspace(0, len(self) - 1, min(len(self), 6)).round().astype(int))
        columns = {"tokens": [numbers.count(self.tokens[i]) for i in shown], "loss": [numbers.loss(self.loss[i]) for i in shown]}
        if self.step is not None:
            columns["step"] = [numbers.count(self.step[i]) for i in shown]
        return [tuple(columns), *zip(*columns.values(), strict=True)] if len(self) else ()

    def _check(self) -> None:
        arrays = dict(tokens=self.tokens, loss=self.loss, step=self.step, averaged_loss=self.averaged_loss)
        lengths = {name: len(array) for name, array in arrays.items() if array is not None}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"a curve's arrays must have equal length, got {lengths}")
        if not np.isfinite(self.tokens).all() or not _rises_from_zero(self.tokens):
            raise ValueError("a curve's tokens must be finite, positive and strictly increasing")
        if self.step is not None and (not np.isfinite(self.step).all() or (self.step[1:] < self.step[:-1]).any()):
            raise ValueError("a curve's steps must be finite and must not fall")
        if self.schedule is not None and not isinstance(self.schedule, Schedule):
            raise ValueError(
                f"schedule must be a Schedule, e.g. Schedule(step, lr) or Schedule.cosine(steps), got {type(self.schedule).__name__}"
            )
        if self.schedule is not None and self.step is None:
            raise ValueError("a schedule is in steps: give the curve's steps beside it")
        if self.params is not None and self.params <= 0:
            raise ValueError(f"params must be positive, got {self.params}")
        if self.unique_tokens is not None and not self.unique_tokens > 0:
            raise ValueError(f"unique_tokens must be positive, got {self.unique_tokens}")

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def flops(self) -> NDArray[np.float64]:
        """(n,) cumulative training FLOPs by 6·N·D; needs `params`."""
        if self.params is None:
            raise ValueError("FLOPs need the number of parameters: give the curve's params")
        return np.asarray(training_flops(self.params, self.tokens), dtype=np.float64)

    def until(self, tokens: float) -> "Curve":
        """The part up to and including `tokens`, with the same schedule."""
        n = int(np.searchsorted(self.tokens, tokens, side="right"))
        return self.take(slice(0, n))

    def take(self, index: Any) -> "Curve":
        """The points at `index` (a slice, mask or increasing indices), with the same schedule."""
        step = None if self.step is None else self.step[index]
        averaged = None if self.averaged_loss is None else self.averaged_loss[index]
        return replace(self, tokens=self.tokens[index], loss=self.loss[index], step=step, averaged_loss=averaged)


def _rises_from_zero(values: NDArray[np.float64]) -> bool:
    return not len(values) or bool(values[0] > 0 and (values[1:] > values[:-1]).all())


def _optional(values: ArrayLike | None) -> NDArray[np.float64] | None:
    return None if values is None else _floats(values)


def _floats(values: ArrayLike) -> NDArray[np.float64]:
    array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if array.ndim != 1:
        raise ValueError(f"a curve's arrays must be one-dimensional, got shape {array.shape}")
    return array
