"""Whether one record is the earlier part of another: a training that broke off, or ended, and was then trained on in a run of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from lightning_scaling.run.curve import Curve
from lightning_scaling.run.finished import is_finished
from lightning_scaling.run.record import RunRecord

# Records are thinned, so that of the points that two share some are in one alone: the last in both lies within this share of the end.
UNSHARED = 0.1
RESUMED_FROM = "resumed_from"  # in a record's `extra`: the tracker's id of the run that this one continues
SAME_LEVEL = 0.05  # relative difference of the losses at which one curve takes over from another


def continuation(old: RunRecord, same: Sequence[RunRecord], unfinished: bool = False) -> RunRecord | None:
    """Of the runs with the key of `old` the one that is counted in its place; None where `old` is counted itself.

    That is the furthest, where `old` did not reach its own end; where both ended, it must hold the points of `old`: else they are two
    branches of one checkpoint. Of two that are equal the first in the list stays. With `unfinished` a run counts before its end too.
    """
    further = max(same, key=lambda each: (each.tokens, is_finished(each)))
    if further is old:
        return None
    if _equal(old.curve, further.curve) or not is_finished(old):
        return further
    ended = [each for each in same if each is not old and (unfinished or is_finished(each)) and holds(each, old)]
    return max(ended, key=lambda each: each.tokens) if ended else None


def holds(new: RunRecord, old: RunRecord) -> bool:
    """Whether `new` continues from the end of `old`: it is longer, and up to that end the losses are the same where both have a point."""
    if not len(old.curve) or new.tokens <= old.tokens:
        return False
    shared, mine, theirs = np.intersect1d(new.curve.tokens, old.curve.tokens, return_indices=True)
    same = np.array_equal(new.curve.loss[mine], old.curve.loss[theirs], equal_nan=True)
    return bool(len(shared)) and same and bool(shared[-1] >= (1 - UNSHARED) * old.tokens)


def once(records: Iterable[RunRecord], unfinished: bool = False) -> tuple[list[RunRecord], list[tuple[RunRecord, RunRecord]]]:
    """(the records without those that another continues, and each of these with the one that is counted in its place)."""
    best: dict[str, list[RunRecord]] = {}
    listed = list(records)
    for record in listed:
        best.setdefault(record.key, []).append(record)
    instead = {
        id(old): new for same in best.values() if len(same) > 1 for old in same if (new := continuation(old, same, unfinished)) is not None
    }
    return [r for r in listed if id(r) not in instead], [(r, instead[id(r)]) for r in listed if id(r) in instead]


def joined(records: Iterable[RunRecord]) -> list[RunRecord]:
    """The records, each that names an earlier run (`RESUMED_FROM`) with the points and the key of that run before its own."""
    listed = list(records)
    known: dict[str | None, RunRecord] = {record.run_id: record for record in listed if record.run_id}
    return [_with_earlier(record, known, {record.run_id}) for record in listed]


def _with_earlier(record: RunRecord, known: dict[str | None, RunRecord], seen: set[str | None]) -> RunRecord:
    earlier = known.get(record.extra.get(RESUMED_FROM))
    if earlier is None or earlier.key == record.key or earlier.run_id in seen:
        return record
    earlier = _with_earlier(earlier, known, seen | {earlier.run_id})
    return _joined(earlier, record) if _fits(earlier, record) else record


def _fits(old: RunRecord, new: RunRecord) -> bool:
    """Whether `new` counts on from `old`: one convention and size, later tokens, and the level of the loss where the two overlap."""
    if not len(old.curve) or not len(new.curve) or (old.conventions, old.curve.params) != (new.conventions, new.curve.params):
        return False
    first, loss = new.curve.tokens[0], new.curve.loss[0]
    if first <= old.curve.tokens[0]:
        return False
    return bool(first > old.tokens or abs(np.interp(first, old.curve.tokens, old.curve.loss) - loss) <= SAME_LEVEL * abs(loss))


def _joined(old: RunRecord, new: RunRecord) -> RunRecord:
    before = old.curve.tokens < new.curve.tokens[0]
    a, b = old.curve.take(np.flatnonzero(before)), new.curve
    step = None if a.step is None or b.step is None or a.step[-1] > b.step[0] else np.r_[a.step, b.step]
    schedule = b.schedule if step is not None else None
    averaged = None if a.averaged_loss is None or b.averaged_loss is None else np.r_[a.averaged_loss, b.averaged_loss]
    counted = a.optimizer_steps and b.optimizer_steps
    curve = Curve(np.r_[a.tokens, b.tokens], np.r_[a.loss, b.loss], step, schedule, b.params, b.unique_tokens, averaged, counted)
    return replace(new, key=old.key, curve=curve, flops=np.r_[old.flops[before], new.flops])


def _equal(a: Curve, b: Curve) -> bool:
    return np.array_equal(a.tokens, b.tokens) and np.array_equal(a.loss, b.loss, equal_nan=True)
