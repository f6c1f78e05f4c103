"""The metric mapping of external runs, chosen on the page: which metric is the loss, how tokens are counted, what N is."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lightning_scaling.numbers import parse_count
from lightning_scaling.store.mlflow.external import MetricMapping
from lightning_scaling.store.mlflow.external_runs import WAITING
from lightning_scaling.store.runs import Rejected

_MOST = 300  # names offered of each kind
_OTHERS = ("mlflow.", "system/")  # MLflow's own tags and its measurements of the machine


class MappingError(ValueError):
    """A mapping that cannot be used; the message is one line on what is missing."""


@dataclass(frozen=True)
class MappingChoice:
    """The choice as text, empty where nothing was chosen."""

    loss_metric: str = ""
    token_metric: str = ""
    tokens_per_step: str = ""
    params: str = ""

    def names(self) -> MetricMapping | None:
        """As the store takes them; None without a choice.

        Raises:
            MappingError: no loss metric, tokens counted in no way or in two, a number that is none.

        >>> MappingChoice("val_loss", tokens_per_step="8k", params="124M").names()
        MetricMapping(loss='val_loss', tokens=None, tokens_per_step=8000.0, first_step=0, params=124000000, \
planned_tokens=None, unique_tokens=None, family=None)
        """
        if self == MappingChoice():
            return None
        if not self.loss_metric:
            raise MappingError("choose which metric is the loss")
        if bool(self.token_metric) == bool(self.tokens_per_step):
            raise MappingError("choose how tokens are counted: a metric that counts them, or the tokens of one step, and not both")
        per_step = _positive("tokens per step", self.tokens_per_step) if self.tokens_per_step else None
        return MetricMapping(loss=self.loss_metric, tokens=self.token_metric or None, tokens_per_step=per_step, params=_params(self.params))


def _positive(what: str, text: str) -> float:
    number = parse_count(text)
    if not 0 < number < float("inf"):
        raise MappingError(f"{what} must be a positive number such as 8192 or 0.5M, got {text[:40]!r}")
    return number


def _params(text: str) -> int | str | None:
    """A number of weights, else the name of whatever holds it."""
    number = parse_count(text)
    if number == number:
        return int(_positive("parameters", text))
    return text or None


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
