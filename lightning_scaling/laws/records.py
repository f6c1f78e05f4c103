"""Runs of a store as points of a law: finished ones only, counted one way, and what was left out is said."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.fit import fit_surface
from lightning_scaling.laws.surface_fit import SurfaceFit
from lightning_scaling.run.conventions import Conventions, require_same
from lightning_scaling.run.record import RunRecord, RunState


@dataclass(frozen=True, eq=False)
class FinishedRuns:
    """(n,) params, tokens, final loss, FLOPs and key of each finished run, their one convention, and (key, reason) of those left out."""

    params: Floats
    tokens: Floats
    loss: Floats
    flops: Floats
    keys: tuple[str, ...]
    conventions: Conventions | None
    left_out: tuple[tuple[str, str], ...]


def finished(records: Iterable[RunRecord]) -> FinishedRuns:
    """The finished runs among records. ValueError where they were counted by different conventions or tokenizers.

    Losses per token of different tokenizers are never compared: convert each to bits per byte first (`bits_per_byte`) and name the loss so.
    """
    kept, left_out = [], []
    for record in records:
        reason = _unfit(record)
        if reason:
            left_out.append((record.name or record.key, reason))
        else:
            kept.append(record)
    shared = require_same(record.conventions for record in kept)
    table = np.array([(r.params, r.tokens, r.loss, r.spent) for r in kept], dtype=np.float64).reshape(-1, 4).T
    return FinishedRuns(table[0], table[1], table[2], table[3], tuple(r.key for r in kept), shared, tuple(left_out))


def fit_records(records: Sequence[RunRecord], resamples: int = 1000, seed: int | None = 0, **how: Any) -> SurfaceFit:
    """`fit_surface` over finished runs of one convention, which is kept in the law's procedure with the keys of the runs."""
    runs = finished(records)
    notes = {"conventions": vars(runs.conventions) if runs.conventions else None, "runs": list(runs.keys), "left_out": list(runs.left_out)}
    return fit_surface(runs.params, runs.tokens, runs.loss, resamples, seed, flops=runs.flops, notes=notes, **how)


def bits_per_byte(loss: Any, bytes_per_token: Any) -> Any:
    """Nats per token as bits per byte, the unit in which runs of different tokenizers may meet.

    >>> round(bits_per_byte(2.77, 4.0), 3)
    0.999
    """
    return loss / math.log(2.0) / bytes_per_token


def _unfit(record: RunRecord) -> str:
    if not len(record.curve) or not np.isfinite(record.loss) or record.loss <= 0:
        return "no finite loss"
    if record.curve.params is None:
        return "does not say how many params it has"
    if record.state is RunState.FINISHED or record.ended:
        return ""
    return str(record.state)
