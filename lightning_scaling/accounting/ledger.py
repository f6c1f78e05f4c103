"""What a run has been trained on and what that cost, exactly.

Every rank adds what it trains on. At a validation or a checkpoint the ranks' parts are summed into a total that all of them share; that
total is what a checkpoint holds, so a resumed run, on however many ranks, continues from it to the token.
"""

from collections.abc import Iterable, Sequence
from typing import Any

VERSION = 1
COUNTS = ("tokens", "flops", "hardware_flops")
# A run of 1e25 FLOPs fits neither int64 nor, exactly, float64, which is what a collective sums. Split into limbs of 24 bits, the sum over
# up to 2^29 ranks is exact in either.
BITS = 24
PER_COUNT = 5  # 120 bits: 1.3e36


class Ledger:
    """Exact counts: Python ints, which neither round nor overflow.

    >>> ledger = Ledger()
    >>> ledger.add(512, 6 * 1000 * 512)
    >>> ledger.sync()
    >>> ledger.tokens, ledger.flops
    (512, 3072000)
    """

    def __init__(self) -> None:
        self._total = dict.fromkeys(COUNTS, 0)
        self._clear()

    def _clear(self) -> None:
        self._tokens = self._flops = self._hardware = 0

    def add(self, tokens: int, flops: int = 0, hardware_flops: int | None = None) -> None:
        """Count one micro-batch of this rank; `hardware_flops` adds what is computed twice (activation checkpointing)."""
        self._tokens += tokens
        self._flops += flops
        self._hardware += flops if hardware_flops is None else hardware_flops

    @property
    def _local(self) -> tuple[int, int, int]:
        return self._tokens, self._flops, self._hardware

    @property
    def tokens(self) -> int:
        """The shared total and this rank's part since the last sync."""
        return self._total["tokens"] + self._tokens

    @property
    def flops(self) -> int:
        """Model FLOPs, in the same sense."""
        return self._total["flops"] + self._flops

    @property
    def hardware_flops(self) -> int:
        """FLOPs that the hardware really did: model FLOPs and what was computed again."""
        return self._total["hardware_flops"] + self._hardware

    @property
    def unsynced(self) -> bool:
        """Whether this rank has counted something that the shared total does not hold yet."""
        return any(self._local)

    def delta(self) -> list[int]:
        """This rank's part since the last sync as small ints (`limbs`): their elementwise sum over ranks, in int64, is exact."""
        return to_limbs(self._local)

    def sync(self, summed: list[int] | None = None) -> None:
        """Take `summed`, the elementwise sum of all data-parallel ranks' `delta()`, into the shared total; None: this rank is alone."""
        for name, value in zip(COUNTS, self._local if summed is None else from_limbs(summed), strict=True):
            self._total[name] += value
        self._clear()

    def state_dict(self) -> dict[str, Any]:
        """Plain numbers for a checkpoint. Sync first; a part not yet summed over ranks is included and named under `unsynced`."""
        return {
            "version": VERSION,
            **{name: getattr(self, name) for name in COUNTS},
            "unsynced": dict(zip(COUNTS, self._local, strict=True)),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from a checkpoint, on every rank alike; whatever was counted in this process before is replaced.

        Raises:
            ValueError: another state, or one of a newer version.
        """
        if not isinstance(state, dict) or state.get("version") not in range(1, VERSION + 1):
            found = state.get("version") if isinstance(state, dict) else type(state).__name__
            raise ValueError(f"not a ledger of version 1 to {VERSION} (found {found!r})")
        self._total = {name: int(state[name]) for name in COUNTS}
        self._clear()


def to_limbs(counts: Iterable[int]) -> list[int]:
    """Each count as five 24-bit ints, lowest first.

    >>> to_limbs([1 + 2**24])
    [1, 1, 0, 0, 0]
    """
    return [count >> BITS * i & (1 << BITS) - 1 for count in counts for i in range(PER_COUNT)]


def from_limbs(limbs: Sequence[int | float]) -> list[int]:
    """The counts again, from limbs that may have been summed and so exceed 24 bits."""
    if len(limbs) % PER_COUNT:
        raise ValueError(f"limbs come in groups of {PER_COUNT}, got {len(limbs)}")
    groups = (limbs[i : i + PER_COUNT] for i in range(0, len(limbs), PER_COUNT))
    return [sum(int(limb) << BITS * i for i, limb in enumerate(group)) for group in groups]
