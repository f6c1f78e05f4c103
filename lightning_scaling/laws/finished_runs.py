"""Finished runs as the points of a law: whatever they come from, counted by one convention, with their own FLOPs, and what was left out."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.points import FEWEST_PARAMS, FEWEST_TOKENS, points, positive
from lightning_scaling.run.continued import once
from lightning_scaling.run.conventions import Conventions, require_same
from lightning_scaling.run.early_end import early_end
from lightning_scaling.run.finished import why_left_out
from lightning_scaling.run.record import RunRecord
from lightning_scaling.units import FLOPS_PER_PARAM_AND_TOKEN, training_flops

# Runs whose tokens per parameter differ by less than this form a ladder at one ratio.
ONE_RATIO = 3.0
# Runs this much above the lower hull still count as on the frontier: the noise of a final loss is .1 to .5 % on published sweeps.
NEAR_HULL = 0.01
# Guessing among 160 000 tokens costs 12 nats.
GUESSED = 12.0
# Standard deviation of ln(total/active parameters) from which runs are mixtures of different kinds.
MIXED = 0.2


@dataclass(frozen=True, eq=False)
class FinishedRuns:
    """(n,) runs in order of compute, the same order wherever they are read from.

    Args:
        params, tokens, loss, flops: N, D, final loss and training FLOPs of each run.
        keys: what each run is called; where the runs are points of a few runs, `groups` names the run of each.
        families: name under which sizes are compared, None where not given.
        conventions: shared by all runs; None for a table, which states none.
        left_out: (name, reason) of each run that cannot enter a law.
        records: the runs' records, empty for a table.
        source: kept in the law's procedure (file, columns).
        weights: of each loss: 1 where it was observed, 1/(1 + (s/s₀)²) where it is the forecast of a run that was ended early, known to a
            relative standard deviation s where s₀ was asked for; None where every loss was observed.
        active, total: parameters that a token meets, and all; None where every run is dense.
    """

    params: Floats
    tokens: Floats
    loss: Floats
    flops: Floats
    keys: tuple[str, ...]
    groups: tuple[str, ...] | None = None
    families: tuple[str | None, ...] = ()
    conventions: Conventions | None = None
    left_out: tuple[tuple[str, str], ...] = ()
    records: tuple[RunRecord, ...] = ()
    source: dict[str, Any] = field(default_factory=dict)
    weights: Floats | None = None
    active: Floats | None = None
    total: Floats | None = None

    def __len__(self) -> int:
        return len(self.loss)

    @property
    def flops_per(self) -> float:
        """FLOPs per param and token of these runs (geometric mean); 6 without runs."""
        if not len(self):
            return float(FLOPS_PER_PARAM_AND_TOKEN)
        return float(np.exp(np.log(self.flops / (self.params * self.tokens)).mean()))

    @property
    def curves(self) -> tuple[RunRecord, ...]:
        """The records with two evaluations or more: those approach 1 can use."""
        return tuple(r for r in self.records if np.isfinite(r.curve.loss).sum() >= 2)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sizes or token counts that somebody wrote, so small that their unit is in doubt; forecast ends."""
        doubts, typed = [], any(r.conventions.params == "given" for r in self.records) or not self.records
        for name, values, fewest in (("params", self.params, FEWEST_PARAMS), ("tokens", self.tokens, FEWEST_TOKENS)):
            if typed and len(self) and values.min() < fewest:
                doubts.append(f"the smallest number of {name} is {values.min():g}: are these in billions? Write 7B or 7e9 for 7 billion")
        if len(self) and not doubts and typed and (self.tokens / self.params).max() < 1:
            doubts.append("every run has fewer tokens than parameters: were the columns exchanged?")
        if len(self) and np.median(self.loss) > GUESSED:
            doubts.append(f"half of the losses exceed {GUESSED:g}, more than guessing costs: are these perplexities? Take their logarithm")
        if forecasts := int((self.observed == 0).sum()):
            doubts.append(f"{forecasts} of the runs ended early and enter with the forecast of their end, by its weight")
        return tuple(doubts)

    @property
    def observed(self) -> NDArray[np.bool_]:
        """(n,) whether each loss was observed; False for the forecast end of a run that was ended early."""
        return np.ones(len(self), dtype=bool) if self.weights is None else self.weights == 1

    @property
    def mixed(self) -> bool:
        """Whether the runs differ in their ratio of total to active parameters, so that one N cannot describe them."""
        if self.active is None or self.total is None:
            return False
        return bool(np.log(self.total / self.active).std() >= MIXED)

    def as_dense(self, size: ArrayLike) -> "FinishedRuns":
        """Each run as a dense one of `size` (n,) parameters: N and the FLOPs follow; records, which are counted otherwise, are left out."""
        params = np.asarray(size, dtype=np.float64)
        return replace(self, params=params, flops=self.flops * params / (self.params if self.active is None else self.active), records=())

    def take(self, index: ArrayLike) -> "FinishedRuns":
        """The runs at `index` (mask or indices)."""
        pick = np.arange(len(self))[np.asarray(index)]

        def some(values: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(values[i] for i in pick) if values else ()

        arrays = {name: getattr(self, name)[pick] for name in ("params", "tokens", "loss", "flops")}
        groups = None if self.groups is None else some(self.groups)
        for name in ("weights", "active", "total"):
            arrays[name] = None if getattr(self, name) is None else getattr(self, name)[pick]
        return replace(self, **arrays, keys=some(self.keys), groups=groups, families=some(self.families), records=some(self.records))

    @property
    def on_frontier(self) -> "FinishedRuns":
        """The runs a law of loss over compute is fitted to.

        All runs of a ladder at one ratio of tokens to params; else those that no cheaper run undercuts and that lie within 1 % of the lower
        convex hull of log loss over log compute (both laws of compute are convex there), if three remain.
        """
        ratios = self.tokens / self.params
        if not len(self) or ratios.max() < ONE_RATIO * ratios.min():
            return self
        # The hull, as far as it falls, touches only runs that no cheaper one undercuts.
        best = np.flatnonzero(self.loss < np.r_[np.inf, np.minimum.accumulate(self.loss)[:-1]])
        kept = best[_above_hull(np.log(self.flops[best]), np.log(self.loss[best])) <= NEAR_HULL]
        return self.take(kept) if len(kept) >= 3 else self


def finished(records: Iterable[RunRecord], unfinished: bool = False) -> FinishedRuns:
    """The finished runs among records; one that another of them continues is left out.

    Losses per token of different tokenizers are never compared: convert each to bits per byte first (`bits_per_byte`) and name the loss so.

    Args:
        unfinished: runs that have not finished (a tracker may call them RUNNING for ever) enter with their last loss.

    Raises:
        ValueError: runs counted by different conventions or tokenizers.
    """
    kept, left_out = [], []
    for record in records:
        reason = why_left_out(record, unfinished)
        if reason:
            left_out.append((record.name or record.key, reason))
        else:
            kept.append(record)
    kept, continued = once(kept, unfinished)
    left_out += [(old.name or old.key, f"continued as run {new.name or new.key}, which is counted") for old, new in continued]
    shared = require_same(record.conventions for record in kept)
    params, tokens, loss, flops, weights = np.array([_point(r) for r in kept], dtype=np.float64).reshape(-1, 5).T
    keys, families = tuple(r.key for r in kept), tuple(r.family for r in kept)
    more: dict[str, Any] = dict(weights=None if (weights == 1).all() else weights)
    more |= _sizes(np.array([(r.active_params, r.total_params) for r in kept], dtype=np.float64).reshape(-1, 2).T)
    return _ordered(FinishedRuns(params, tokens, loss, flops, keys, _trunks(kept), families, shared, tuple(left_out), tuple(kept), **more))


def _point(record: RunRecord) -> tuple[float, float, float, float, float]:
    """N, D, loss, FLOPs and weight: as observed, or as forecast for a run that was ended early because its end was settled."""
    early = early_end(record)
    if early is None or not early.as_forecast:
        return record.params, record.tokens, record.loss, record.spent, 1.0
    flops = record.spent * early.planned / record.tokens
    return record.params, early.planned, early.loss, flops, 1 / (1 + (early.spread / early.needs) ** 2)


def _sizes(both: Floats) -> dict[str, Floats | None]:
    """Active and total parameters, from (2, n); None where every run is dense."""
    active, total = both
    return dict.fromkeys(("active", "total")) if (active == total).all() else {"active": active, "total": total}


def _trunks(records: Sequence[RunRecord]) -> tuple[str, ...] | None:
    """The trunk of each run, or its own key; None where no two runs share one. Runs that do share their luck too: resampled together."""
    trunks = [str(record.extra.get("trunk") or record.key) for record in records]
    return tuple(trunks) if len(set(trunks)) < len(trunks) else None


def finished_table(
    params: ArrayLike,
    tokens: ArrayLike,
    loss: ArrayLike,
    flops: ArrayLike | None = None,
    groups: Sequence[str] | None = None,
    source: dict[str, Any] | None = None,
    active: ArrayLike | None = None,
) -> FinishedRuns:
    """Runs given as arrays; their FLOPs are 6·N·D unless they are given, N being the `active` parameters where these are given beside all.

    Raises:
        ValueError: arrays of unequal length, numbers that are not finite and positive.

    >>> finished_table([1e8, 1e9], [2e9, 2e10], [3.1, 2.5]).flops_per
    6.0
    """
    given = points(params, tokens, loss, groups)
    met = given.params if active is None else _active(active, given.params)
    spent = training_flops(met, given.tokens) if flops is None else np.atleast_1d(np.asarray(flops, dtype=np.float64))
    if spent.shape != given.loss.shape or not (np.isfinite(spent) & (spent > 0)).all():
        raise ValueError(f"flops must be finite and positive, one a run: got {spent.shape} for {len(given)} runs")
    keys = tuple(f"run {i}" for i in range(1, len(given) + 1))
    names = None if groups is None else tuple(map(str, groups))
    sizes: dict[str, Any] = _sizes(np.stack([met, given.params]))
    return _ordered(FinishedRuns(given.params, given.tokens, given.loss, spent, keys, names, source=source or {}, **sizes))


def _active(values: ArrayLike, total: Floats) -> Floats:
    active = positive("active", values)
    if active.shape != total.shape:
        raise ValueError(f"active must be one a run: got {len(active)} for {len(total)} runs")
    at = int(np.argmax(active / total)) if len(total) else 0
    if len(total) and active[at] > total[at] * (1 + 1e-9):
        raise ValueError(f"run {at} has {active[at]:g} active of {total[at]:g} parameters: were the columns exchanged?")
    return active


def bits_per_byte(loss: Any, bytes_per_token: Any) -> Any:
    """Nats per token as bits per byte, the unit in which runs of different tokenizers may meet.

    >>> round(bits_per_byte(2.77, 4.0), 3)
    0.999
    """
    return loss / math.log(2.0) / bytes_per_token


def _ordered(runs: FinishedRuns) -> FinishedRuns:
    """By compute, then size and loss: resampling draws by position, so the order of a file must not move an interval."""
    return runs.take(np.lexsort((runs.loss, runs.params, runs.flops)))


def _above_hull(x: Floats, y: Floats) -> Floats:
    """(n,) height of each point above the lower convex hull (Andrew's monotone chain); x ascending."""
    hull: list[int] = []
    for i in np.lexsort((y, x)):
        while len(hull) > 1 and _turns_up(x, y, hull[-2], hull[-1], i) <= 0:
            hull.pop()
        if not hull or x[i] > x[hull[-1]]:
            hull.append(int(i))
    return np.asarray(y - np.interp(x, x[hull], y[hull]))


def _turns_up(x: Floats, y: Floats, a: int, b: int, c: int) -> float:
    return float((x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a]))
