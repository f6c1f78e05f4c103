"""Counts training batches into a ledger as they go by, from shapes alone.

With masks the count is a sum of values. On an accelerator that sum stays there, added up without waiting, until the ledger is settled at
a validation or checkpoint.
"""

from typing import Any

from lightning_scaling.accounting.batches import is_integer
from lightning_scaling.accounting.flops import FlopsRule
from lightning_scaling.accounting.ledger import Ledger
from lightning_scaling.accounting.masks import kept_tokens
from lightning_scaling.accounting.tokens import TokenRule, measure

MOST_SHAPES = 1000


class Meter:
    """One per process and run.

    Args:
        rule: how FLOPs are counted.
        ledger: where the counts go.
        tokens: as in `count_tokens`.
        mask: count only tokens that the batch's mask keeps.
    """

    def __init__(self, rule: FlopsRule, ledger: Ledger, tokens: TokenRule = None, mask: bool = False) -> None:
        self.uncounted = 0
        self._rule, self._ledger, self._tokens = rule, ledger, tokens
        self._mask = mask and tokens is None
        self._known: dict[Any, tuple[int, int, int]] | None = None if mask or tokens is not None or rule.name == "given" else {}
        self._pending: dict[int | None, Any] = {}

    def see(self, batch: Any) -> None:
        """Count one micro-batch that has been trained on. Never raises: a batch that cannot be counted adds to `uncounted`."""
        try:
            if self._known is not None and (seen := self._known.get(_shape(batch))) is not None:
                return self._ledger.add(*seen)
            tokens, length = measure(batch, self._tokens)
            if self._mask:
                return self._keep(kept_tokens(batch), length)
            self._add(tokens, length, batch)
        except Exception:
            self.uncounted += 1

    def settle(self) -> None:
        """Read the sums that still lie on an accelerator (one wait for the device); call before the ledger is read."""
        pending, self._pending = self._pending, {}
        for length, kept in pending.items():
            self._add(int(kept), length, None)

    def _keep(self, kept: Any, length: int | None) -> None:
        if str(getattr(kept, "device", "cpu")) == "cpu":
            return self._add(int(kept), length, None)
        self._pending[length] = self._pending[length] + kept if length in self._pending else kept

    def _add(self, tokens: int, length: int | None, batch: Any) -> None:
        model, hardware = self._rule.cost(tokens, length, batch)
        self._ledger.add(tokens, model, hardware)
        if self._known is not None and batch is not None and (shape := _shape(batch)) is not None and len(self._known) < MOST_SHAPES:
            self._known[shape] = tokens, model, hardware


def _shape(batch: Any) -> Any:
    """What the counts of an ordinary batch follow from: shape and type of its ids. None where more must be looked at.

    A batch of a shape seen before then costs one look-up: with cold caches, as between two steps, a third of counting it anew.
    """
    kind = type(batch)
    ids = batch[0] if (kind is tuple or kind is list) and batch else batch.get("input_ids") if kind is dict else batch
    shape = getattr(ids, "shape", None)
    return None if shape is None or getattr(ids, "is_nested", False) or not is_integer(ids) else (kind, shape, ids.dtype)
