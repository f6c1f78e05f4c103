"""How to sum large exact ints over ranks with a collective that knows 64 bits only.

A run of 1e25 FLOPs does not fit into int64, nor exactly into float64. Split into 24-bit limbs, the sum over up to 2^29 ranks is exact in
either.
"""

from collections.abc import Iterable, Sequence

BITS = 24
PER_COUNT = 5  # 120 bits: 1.3e36


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
