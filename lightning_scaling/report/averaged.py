"""The measured annealed loss of a run, as report and page draw it: the loss of an average of its recent weights."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_scaling import numbers
from lightning_scaling.arrays import Floats
from lightning_scaling.run.curve import Curve

_SAME = 0.0005  # of the loss: less is no distance


class Averaged(NamedTuple):
    """(n,) arrays where averaged weights were evaluated: places in the curve, tokens, loss of the last weights, of the average."""

    at: NDArray[np.intp]
    tokens: Floats
    loss: Floats
    averaged: Floats


def averaged_of(curve: Curve) -> Averaged | None:
    """The pairs; None where none was measured, or where averaged weights are all that is validated."""
    if curve.averaged_loss is None or np.array_equal(curve.averaged_loss, curve.loss):
        return None
    known = np.flatnonzero(np.isfinite(curve.averaged_loss) & (curve.averaged_loss > 0) & np.isfinite(curve.loss) & (curve.loss > 0))
    return Averaged(known, curve.tokens[known], curve.loss[known], curve.averaged_loss[known]) if len(known) else None


def averaged_words(curve: Curve) -> str:
    """What was measured last, "" where nothing was.

    >>> print(averaged_words(Curve([1e6, 2e6], [3.0, 2.5], averaged_loss=[np.nan, 2.4])))
    At 2M tokens the average of recent weights has a loss of 2.400, 4.0 % below that of the last weights (2.500).
    """
    pairs = averaged_of(curve)
    if pairs is None:
        return ""
    tokens, loss, averaged = float(pairs.tokens[-1]), float(pairs.loss[-1]), float(pairs.averaged[-1])
    off = averaged / loss - 1
    where = "as" if abs(off) < _SAME else f"{numbers.percent(abs(off)).lstrip('+')} {'below' if off < 0 else 'above'}"
    average = f"At {numbers.count(tokens)} tokens the average of recent weights has a loss of {numbers.loss(averaged)}"
    return f"{average}, {where} that of the last weights ({numbers.loss(loss)})."
