"""One run beside its siblings: its loss against finished runs of its size, and the parameters and tags in which it differs from them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lightning_scaling.run.finished import is_finished
from lightning_scaling.run.record import RunRecord
from lightning_scaling.server.overview import number
from lightning_scaling.server.run_details import Facts

_MOST = 12  # differences shown
_CLOSE = 2.0  # siblings have at least half and at most twice the tokens
_OF_ITS_OWN = ("tags.mlflow.", "tags.scaling.", "metrics.")


def beside(record: RunRecord, records: Sequence[RunRecord], facts: Facts) -> dict[str, Any]:
    """{runs, low, high, differs: [[name, value here, most common value there], …]} ready for JSON."""
    others = [each for each in records if _sibling(record, each)]
    losses = [each.loss for each in others]
    theirs = [facts[each.run_id or ""] for each in others if each.run_id in facts]
    span = {"low": number(min(losses, default=None)), "high": number(max(losses, default=None))}
    return {"runs": len(others), **span, "differs": _differences(facts.get(record.run_id or "", {}), theirs)}


def _sibling(record: RunRecord, other: RunRecord) -> bool:
    if other.run_id == record.run_id or other.curve.params != record.curve.params or not is_finished(other) or not other.loss > 0:
        return False
    end = record.planned_tokens or record.tokens
    return 1 / _CLOSE <= (other.tokens / end if end else 0.0) <= _CLOSE


def _differences(mine: Mapping[str, Any], theirs: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    names = sorted({name for each in (mine, *theirs) for name in each if not name.startswith(_OF_ITS_OWN)}) if theirs else []
    found = []
    for name in names:
        usual, times = Counter(str(each.get(name, "–")) for each in theirs).most_common(1)[0]
        if str(mine.get(name, "–")) != usual and 2 * times > len(theirs):
            found.append([name, str(mine.get(name, "–"))[:80], usual[:80]])
    return found[:_MOST]
