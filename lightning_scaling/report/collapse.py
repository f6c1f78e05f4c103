"""How far a run departs from its family, as report and page draw it: as recorded with the run, else read from its siblings now."""

from collections.abc import Sequence

from lightning_scaling.advice.family import FamilyReading, read_family
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord


def collapse_of(record: RunRecord, siblings: Sequence[Curve] = ()) -> FamilyReading | None:
    """The reading; without looks (`x` is empty) where there are words only, None where there is nothing to say.

    Args:
        siblings: finished curves of the family, for runs whose record holds no comparison.
    """
    recorded = _recorded(record)
    if recorded is not None and len(recorded.x):
        return recorded
    end = float(record.planned_tokens or record.tokens)
    found = read_family(record.curve, end, siblings) if end > 0 else None
    return recorded if found is None else found


def _recorded(record: RunRecord) -> FamilyReading | None:
    kept = record.extra.get("family")
    try:
        return FamilyReading.from_json(kept) if kept else None
    except (ValueError, AttributeError):
        return None  # another program may write into `extra`
