"""Finished runs as arrays that a law can be fitted to: checked once, so that no fit has to doubt them again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_scaling.arrays import Floats, first_equal_row
from lightning_scaling.units import training_flops

# Below these a column is probably in billions (or millions): no published sweep has a run as small.
FEWEST_PARAMS, FEWEST_TOKENS = 1e4, 1e6
# Rows from which a search or a judgement starts on a sample, evenly spread; a fit always ends on all rows.
SEARCHED = 20_000


@dataclass(frozen=True, eq=False)
class LawPoints:
    """Equal-length arrays of finite positive numbers: params N, tokens D, loss L, and the run (0 … runs − 1) each point belongs to."""

    params: Floats
    tokens: Floats
    loss: Floats
    groups: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.loss)

    @property
    def flops(self) -> Floats:
        """(n,) 6·N·D."""
        return np.asarray(training_flops(self.params, self.tokens), dtype=np.float64)

    @property
    def falls(self) -> bool:
        """Whether the loss falls with N or with D along the plane of least squares through the logs."""
        columns = np.stack([np.log(self.params), np.log(self.tokens)], 1)
        heights = np.log(self.loss) - np.log(self.loss).mean()
        slopes = np.linalg.lstsq(columns - columns.mean(0), heights, rcond=1e-9)[0]
        return bool(slopes.min() < -1e-9)

    @property
    def rows(self) -> NDArray[np.intp]:
        """(n,) number of each different (N, D, loss), in order of appearance: equal rows are one run written down twice."""
        return np.unique(first_equal_row((self.params, self.tokens, self.loss)), return_inverse=True)[1]

    def take(self, index: ArrayLike) -> "LawPoints":
        """The points at `index` (mask or indices), their runs numbered anew."""
        pick = np.asarray(index)
        return LawPoints(self.params[pick], self.tokens[pick], self.loss[pick], np.unique(self.groups[pick], return_inverse=True)[1])


def points(params: ArrayLike, tokens: ArrayLike, loss: ArrayLike, groups: ArrayLike | None = None) -> LawPoints:
    """Checked points; ValueError states which array is wrong and where. Without `groups` every point is a run of its own."""
    arrays = [positive(name, values) for name, values in (("params", params), ("tokens", tokens), ("loss", loss))]
    if len({len(a) for a in arrays}) > 1:
        raise ValueError(f"params, tokens and loss must have equal length, got {', '.join(str(len(a)) for a in arrays)}")
    runs = np.arange(len(arrays[0])) if groups is None else np.unique(np.asarray(groups).astype(str), return_inverse=True)[1]
    if len(runs) != len(arrays[0]):
        raise ValueError(f"groups must name the run of each point: {len(runs)} names for {len(arrays[0])} points")
    return LawPoints(arrays[0], arrays[1], arrays[2], runs)


def spread_over(rows: int, most: int = SEARCHED) -> NDArray[np.intp]:
    """All rows, or `most` of them, evenly spread."""
    return np.arange(rows) if rows <= most else np.linspace(0, rows - 1, most).astype(np.intp)


def require_units(name: str, value: float | None, fewest: float, example: str) -> None:
    """ValueError for a size or length so small that it was meant in billions."""
    if value is not None and value < fewest:
        raise ValueError(f"{name} is {value:g}: is this in billions? Write it as in {example}")


def positive(name: str, values: ArrayLike) -> Floats:
    try:
        array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be numbers such as 7e9, got {values!r:.60}") from None
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {array.shape}")
    bad = np.flatnonzero(~(np.isfinite(array) & (array > 0)))
    if len(bad):
        raise ValueError(
            f"{name} must be finite and positive; point {bad[0]} is {array[bad[0]]:g} ({len(bad)} of {len(array)} are not): leave it out"
        )
    return array
