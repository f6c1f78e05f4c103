"""Two readings of a run as its record keeps them: the plateau that was called, and whether to keep adding data.

They are entries of `RunRecord.extra`, so that every store carries them and records without them stay readable.
"""

from typing import Any, NamedTuple

from lightning_scaling.run.record import RunRecord

PLATEAU, ADD_DATA = "plateau", "add_data"


class Plateau(NamedTuple):
    """Where a plateau was called, in tokens and FLOPs, and the line that was printed."""

    tokens: float
    flops: float
    line: str


class MoreData(NamedTuple):
    """YES, NO or NOT_KNOWN, and the sentence behind it."""

    answer: str
    because: str


def plateau_entry(tokens: int, flops: int, line: str) -> dict[str, Any]:
    """The entry of `extra` for a plateau that was called."""
    return {PLATEAU: {"tokens": tokens, "flops": flops, "line": line}}


def add_data_entry(answer: str, because: str) -> dict[str, Any]:
    """The entry of `extra` for the answer about more data."""
    return {ADD_DATA: {"answer": answer, "because": because}}


def plateau_of(record: RunRecord) -> Plateau | None:
    """The plateau that is called; None where none is.

    >>> from lightning_scaling import Curve
    >>> curve, called = Curve([1e6, 2e6], [3.0, 3.0], params=100), plateau_entry(2_000_000, 1_200_000_000, "plateau at 2M tokens")
    >>> plateau_of(RunRecord("k", curve, curve.flops, extra=called)).tokens
    2000000.0
    """
    kept = _entry(record, PLATEAU)
    try:
        return Plateau(float(kept["tokens"]), float(kept["flops"]), str(kept["line"])) if kept else None
    except (KeyError, TypeError, ValueError):
        return None  # another program may write into `extra`


def more_data_of(record: RunRecord) -> MoreData | None:
    """Whether to keep adding data, as last answered; None where it never was."""
    kept = _entry(record, ADD_DATA)
    return MoreData(str(kept["answer"]), str(kept.get("because", ""))) if "answer" in kept else None


def _entry(record: RunRecord, name: str) -> dict[str, Any]:
    kept = record.extra.get(name)
    return kept if isinstance(kept, dict) else {}
