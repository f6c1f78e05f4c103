"""What the page offers for the metric mapping of external runs: the names that they have."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from lightning_scaling.numbers import parse_count
from lightning_scaling.store.mlflow.external import WAITING
from lightning_scaling.store.runs import Rejected

_MOST = 300  # names offered of each kind
_OTHERS = ("mlflow.", "system/")  # MLflow's own tags and its measurements of the machine


def offers(rejected: Iterable[Rejected], study: Iterable[Rejected]) -> dict[str, Any]:
    """How many external runs there are, how many wait to be read, and their names, each with the number of runs that have it.

    Args:
        rejected: before any was read by the mapping; study: what is still rejected afterwards.
    """
    runs = [each.run for each in rejected if each.run is not None]
    metrics = Counter(name for run in runs for name in run.data.metrics if not name.startswith(_OTHERS))
    params = Counter(name for run in runs for name in _numbers(run))
    waiting = sum(each.reason == WAITING for each in study)
    return {"runs": len(runs), "waiting": waiting, "metrics": _most(metrics), "params": _most(params)}


def _numbers(run: Any) -> list[str]:
    """Names of parameters and tags that hold a number, as N would be."""
    held = {**run.data.tags, **run.data.params}
    return [name for name, text in held.items() if parse_count(str(text)) >= 1 and not name.startswith(_OTHERS)]


def _most(counted: "Counter[str]") -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda each: (-each[1], each[0]))[:_MOST]
