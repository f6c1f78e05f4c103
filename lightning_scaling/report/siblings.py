"""One run beside its siblings: its loss against finished runs of its size, and the parameters and tags in which it differs from them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from lightning_scaling import numbers
from lightning_scaling.run.finished import is_finished
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.address import local_folder, resolve_uri

Facts = Mapping[str, Mapping[str, Any]]  # run id → {"params.lr": "0.1", "tags.seed": "3", …}
FactsOf = Callable[[Sequence[RunRecord]], Facts]

_MOST = 12  # differences shown
_MOST_READ = 12  # siblings whose parameters and tags a report reads
_CLOSE = 2.0  # siblings have at least half and at most twice the tokens
_OF_ITS_OWN = ("tags.mlflow.", "tags.scaling.", "metrics.")


class Beside(NamedTuple):
    """How many siblings, of how many of them parameters and tags were read, the span of their final losses, the differences.

    Args:
        low, high: None without any.
        differs: [name, value here, most common value there] of each.
    """

    runs: int
    read: int
    low: float | None
    high: float | None
    differs: list[list[str]]


def siblings_of(record: RunRecord, records: Sequence[RunRecord]) -> list[RunRecord]:
    """The finished runs of its size and about its length: of its family, or of others where the family has none."""
    found = [each for each in records if _sibling(record, each)]
    return [each for each in found if each.family == record.family] or found


def beside(record: RunRecord, others: Sequence[RunRecord], facts: Facts) -> Beside:
    """The run beside `others`, its siblings."""
    losses = [each.loss for each in others]
    theirs = [facts[each.run_id or ""] for each in others if each.run_id in facts]
    return Beside(
        len(others),
        len(theirs),
        min(losses, default=None),
        max(losses, default=None),
        _differences(facts.get(record.run_id or "", {}), theirs),
    )


def words(record: RunRecord, found: Beside) -> str:
    """Where it lies among them, "" without any."""
    if found.low is None or found.high is None:
        return ""
    if found.runs == 1:
        return f"The finished run of this size and length ended at {numbers.loss(found.low)}{_place(record, found.low, found.high, 'it')}."
    span, place = numbers.between(found.low, found.high), _place(record, found.low, found.high, "them all")
    return f"{found.runs} finished runs of this size and about this length ended at {span}{place}."


def _place(record: RunRecord, low: float, high: float, others: str) -> str:
    if not is_finished(record) or not record.loss > 0:
        return ""
    above, below = record.loss > high, record.loss < low
    return f", this one {'above' if above else 'below'} {others}" if above or below else ", this one among them"


def no_facts(records: Sequence[RunRecord]) -> Facts:
    """Nothing is known of the runs beside their records."""
    return {}


def mlflow_facts(store: str | None) -> FactsOf:
    """Parameters and tags as an MLflow store holds them; of a few siblings each run is compared with."""
    uri = resolve_uri(store)
    if local_folder(uri) is not None:
        return no_facts
    from lightning_scaling.store.mlflow.details import facts_of

    return lambda records: facts_of(uri, [each.run_id for each in records if each.run_id])


def read_beside(record: RunRecord, records: Sequence[RunRecord], facts_of: FactsOf) -> Beside:
    """The run beside its siblings among `records`, reading parameters and tags of at most twelve of them."""
    others = siblings_of(record, records)
    return beside(record, others, facts_of([record, *others[:_MOST_READ]]) if others else {})


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
