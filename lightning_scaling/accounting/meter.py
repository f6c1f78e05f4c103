"""Counts training batches into a ledger as they go by, from shapes alone.

`begin` looks at a batch before it is trained on, as a training step may empty it; `confirm` counts it once it has been trained on. Either
only notes that a batch of a known shape was repeated; what that makes in tokens and FLOPs is multiplied when the ledger is settled, at
a validation or checkpoint. With masks the count is a sum of values: on an accelerator it stays there, added up without waiting.
"""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from lightning_scaling.accounting.batches import is_integer, is_nested, is_tensor, shape_key
from lightning_scaling.accounting.flops import FlopsRule
from lightning_scaling.accounting.ids import PAIRED
from lightning_scaling.accounting.ledger import Ledger
from lightning_scaling.accounting.loaders import loader_tree
from lightning_scaling.accounting.masks import kept_tokens
from lightning_scaling.accounting.tokens import TokenRule, measure

MOST_SHAPES = 1000
FIRST, INPUT_IDS = itemgetter(0), itemgetter("input_ids")


class Counts(NamedTuple):
    """What a batch holds and costs."""

    tokens: int = 0
    flops: int = 0
    hardware_flops: int = 0


class Seen:
    """A batch that has been looked at, and how often one like it was confirmed since the ledger was settled.

    Args:
        counts: what it holds and costs; None where that is not known.
        again: whether batches of its shape are known again; else it is counted as soon as it is confirmed.
        kept: tokens kept by a mask, a sum that may lie on an accelerator, and the length of the sequences.
    """

    __slots__ = ("again", "counts", "kept", "times")

    def __init__(self, counts: Counts | None, again: bool = False, kept: tuple[Any, int | None] | None = None) -> None:
        self.counts, self.again, self.kept = counts, again, kept
        self.times = 0


class Meter:
    """One per process and run. `begin` and `confirm` never raise: a batch that cannot be counted adds to `uncounted`.

    Args:
        rule: how FLOPs are counted.
        ledger: where the counts go.
        tokens: as in `count_tokens`.
        mask: count only tokens that the batch's mask keeps.
        first: a batch; those of its kind are known again quickly.
        loaders: what the batches come from, as in `count_tokens`.

    >>> import numpy as np
    >>> from lightning_scaling.accounting import Ledger, flops_rule
    >>> meter = Meter(flops_rule("6N", None, params=1000), Ledger())
    >>> meter.begin(np.zeros((4, 16), dtype=int))
    >>> meter.pending.tokens
    64
    >>> meter.confirm()
    >>> meter.settle()
    >>> meter.batches, meter.pending.tokens
    (1, 0)
    """

    def __init__(
        self, rule: FlopsRule, ledger: Ledger, tokens: TokenRule = None, mask: bool = False, first: Any = None, loaders: Any = None
    ) -> None:
        self.batches = self.uncounted = 0
        self._ledger, self._tokens, self._tree = ledger, tokens, loader_tree(loaders)
        self._mask = mask and tokens is None
        self._place = _place(first)
        self._known: dict[Any, Seen] = {}
        self._waiting: dict[int | None, Any] = {}
        self._begun: Seen | None = None
        self._use(rule)

    def begin(self, batch: Any) -> None:
        """Look at a micro-batch before it is trained on. One that was begun before and never confirmed is forgotten."""
        try:
            ids = self._place(batch)
            self._begun = self._known[type(batch), type(ids), ids.shape, ids.dtype]
        except Exception:
            self._begun = self._find(batch)

    def confirm(self) -> None:
        """Count the batch that was begun: its step has run. Without one, or a second time, it does nothing.

        A checkpoint between the step and the usual call is exact if it confirms first: the batch is in the saved counts, and is not
        counted again by the call that follows.
        """
        seen = self._begun
        if seen is not None:
            self._begun = None
            if seen.again:
                seen.times += 1
            else:
                self._take(seen)

    @property
    def pending(self) -> Counts:
        """The batch that was begun and is not confirmed; zeros where there is none. Waits for the device where masks are counted."""
        seen = self._begun
        if seen is None:
            return Counts()
        try:
            return seen.counts or (Counts() if seen.kept is None else self._cost(int(seen.kept[0]), seen.kept[1], None))
        except Exception:  # a device that has failed has no count
            return Counts()

    def use(self, rule: FlopsRule) -> None:
        """Count by another rule from the next batch on, as weights have been frozen, unfrozen or replaced."""
        self.settle()
        if self._begun is not None and self._begun.again:
            self._begun = Seen(self._begun.counts)
        self._use(rule)

    def settle(self) -> None:
        """Bring the ledger up to date; call before it is read. Waits for the device where masks are counted. Never raises."""
        for seen in self._known.values():
            if seen.times and seen.counts is not None:
                self._ledger.add(*(seen.times * count for count in seen.counts))
                self.batches += seen.times
                seen.times = 0
        waiting, self._waiting = self._waiting, {}
        for length, kept in waiting.items():
            try:
                self._ledger.add(*self._cost(int(kept), length, None))
            except Exception:  # a device that has failed has no count
                self.uncounted += 1

    def _use(self, rule: FlopsRule) -> None:
        self._rule = rule
        self._known.clear()
        self._by_shape = not self._mask and not callable(self._tokens) and rule.name != "given"

    def _cost(self, tokens: int, length: int | None, batch: Any) -> Counts:
        return Counts(tokens, *self._rule.cost(tokens, length, batch))

    def _find(self, batch: Any) -> Seen:
        """A batch by the shapes of all that it holds, where shapes are enough."""
        key = None
        if self._by_shape:
            try:
                key = shape_key(batch)
                return self._known[key]
            except Exception:
                pass
        seen = self._look(batch)
        if key is not None and seen.counts is not None and len(self._known) < MOST_SHAPES:
            seen.again = True
            self._known[self._quick(batch) or key] = seen
        return seen

    def _look(self, batch: Any) -> Seen:
        """A batch by itself."""
        try:
            tokens, length = measure(batch, self._tokens, self._tree, lengths=self._rule.name == "6N+attention")
            if self._mask:
                return self._masked(kept_tokens(batch, self._tree), length)
            return Seen(self._cost(tokens, length, batch))
        except Exception:
            return Seen(None)

    def _masked(self, kept: Any, length: int | None) -> Seen:
        on_host = str(getattr(kept, "device", "cpu")) == "cpu"
        return Seen(self._cost(int(kept), length, None)) if on_host else Seen(None, kept=(kept, length))

    def _quick(self, batch: Any) -> Any:
        """The key by which `begin` knows a batch: its ids, if they lie where those of the first lay and decide alone."""
        if self._tokens is not None or self._tree is not None or _place(batch) is not self._place:
            return None
        ids = self._place(batch)
        return (type(batch), type(ids), ids.shape, ids.dtype) if is_tensor(ids) and is_integer(ids) and not is_nested(ids) else None

    def _take(self, seen: Seen) -> None:
        self.batches += 1
        if seen.kept is not None:
            kept, length = seen.kept
            self._waiting[length] = self._waiting[length] + kept if length in self._waiting else kept
        elif seen.counts is None:
            self.uncounted += 1
        else:
            self._ledger.add(*seen.counts)


def _place(batch: Any) -> Callable[[Any], Any]:
    """Where in a batch the ids lie whose shape alone gives the count."""
    if type(batch) in (tuple, list):
        return FIRST
    alone = isinstance(batch, Mapping) and "input_ids" in batch and not any(PAIRED.search(str(name)) for name in batch)
    return INPUT_IDS if alone else _itself


def _itself(batch: Any) -> Any:
    return batch
