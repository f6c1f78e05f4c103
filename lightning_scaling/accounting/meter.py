"""Counts training batches into a ledger as they go by, from shapes alone.

A step only notes that a batch of a known shape came once more; what that makes in tokens and FLOPs is multiplied when the ledger is
settled, at a validation or checkpoint. With masks the count is a sum of values: on an accelerator it stays there, added up without
waiting, until then.
"""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from lightning_scaling.accounting.batches import is_integer, is_tensor
from lightning_scaling.accounting.flops import FlopsRule
from lightning_scaling.accounting.ledger import Ledger
from lightning_scaling.accounting.masks import kept_tokens
from lightning_scaling.accounting.tokens import TokenRule, measure

MOST_SHAPES = 1000
FIRST, INPUT_IDS = itemgetter(0), itemgetter("input_ids")


class Seen:
    """What a batch of one shape holds and costs, and how often it came since the ledger was settled."""

    __slots__ = ("flops", "hardware_flops", "times", "tokens")

    def __init__(self, tokens: int, flops: int, hardware_flops: int) -> None:
        self.tokens, self.flops, self.hardware_flops = tokens, flops, hardware_flops
        self.times = 0


class Meter:
    """One per process and run.

    Args:
        rule: how FLOPs are counted.
        ledger: where the counts go.
        tokens: as in `count_tokens`.
        mask: count only tokens that the batch's mask keeps.
        first: a batch; those of its kind are known again quickly.
    """

    def __init__(self, rule: FlopsRule, ledger: Ledger, tokens: TokenRule = None, mask: bool = False, first: Any = None) -> None:
        self.batches = self.uncounted = 0
        self._rule, self._ledger, self._tokens = rule, ledger, tokens
        self._mask = mask and tokens is None
        self._by_shape = not mask and tokens is None and rule.name != "given"
        self.known: dict[Any, Seen] = {}
        self.place = _place(first)
        self._pending: dict[int | None, Any] = {}

    def see(self, batch: Any) -> None:
        """Count one micro-batch that has been trained on. Never raises: a batch that cannot be counted adds to `uncounted`."""
        try:
            ids = self.place(batch)
            self.known[type(batch), type(ids), ids.shape, ids.dtype].times += 1
        except Exception:
            self.look(batch)

    def begin(self, batch: Any) -> None:
        """Interim."""
        self._begun = [batch]

    def confirm(self) -> None:
        """Interim."""
        begun, self._begun = getattr(self, "_begun", []), []
        for batch in begun:
            self.see(batch)

    def add(self, tokens: int) -> None:
        """Interim."""
        self._ledger.add(tokens, *self._rule.cost(tokens, None, None))

    def look(self, batch: Any) -> None:
        """Count a batch by all that it holds."""
        self.batches += 1
        try:
            tokens, length = measure(batch, self._tokens)
            if self._mask:
                return self._keep(kept_tokens(batch), length)
            self._add(tokens, length, batch)
        except Exception:
            self.uncounted += 1

    def settle(self) -> None:
        """Bring the ledger up to date; call before it is read. Waits for the device where masks are counted. Never raises."""
        for seen in self.known.values():
            self._ledger.add(seen.times * seen.tokens, seen.times * seen.flops, seen.times * seen.hardware_flops)
            self.batches += seen.times
            seen.times = 0
        pending, self._pending = self._pending, {}
        for length, kept in pending.items():
            try:
                self._add(int(kept), length, None)
            except Exception:  # a device that has failed no longer tells
                self.uncounted += 1

    def _keep(self, kept: Any, length: int | None) -> None:
        if str(getattr(kept, "device", "cpu")) == "cpu":
            return self._add(int(kept), length, None)
        self._pending[length] = self._pending[length] + kept if length in self._pending else kept

    def _add(self, tokens: int, length: int | None, batch: Any) -> None:
        model, hardware = self._rule.cost(tokens, length, batch)
        self._ledger.add(tokens, model, hardware)
        if self._by_shape and len(self.known) < MOST_SHAPES:
            self._remember(batch, Seen(tokens, model, hardware))

    def _remember(self, batch: Any, seen: Seen) -> None:
        """Know a batch again by its ids, if they lie where those of the first one lay and their shape is all that counts."""
        if self.place is not _place(batch):
            return
        ids = self.place(batch)
        if is_tensor(ids) and is_integer(ids) and not getattr(ids, "is_nested", False):
            self.known[type(batch), type(ids), ids.shape, ids.dtype] = seen


def _place(batch: Any) -> Callable[[Any], Any]:
    """Where in a batch the ids lie whose shape alone gives the count."""
    if type(batch) in (tuple, list):
        return FIRST
    return INPUT_IDS if isinstance(batch, Mapping) and "input_ids" in batch else _itself


def _itself(batch: Any) -> Any:
    return batch
