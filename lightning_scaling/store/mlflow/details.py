"""What MLflow holds of runs beside their records: parameters, tags, last metrics, whole histories; and which runs a filter finds."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.run.finished import LARGEST_LOSS
from lightning_scaling.store.mlflow.client import answered, connect
from lightning_scaling.store.mlflow.external import finite
from lightning_scaling.store.mlflow.reading import PAGE, pages
from lightning_scaling.store.mlflow.timeouts import short_timeouts

_SECONDS = 60
_INTERNAL = ("scaling.record", "mlflow.log-model.history", "mlflow.note.content")


class History(NamedTuple):
    """Each point of one metric, by rising step: the step, seconds since 1970, the value (NaN where it is not finite)."""

    step: Floats
    seconds: Floats
    value: Floats


def matching(uri: str, experiments: Sequence[str], filter: str) -> list[str]:
    """Ids of the runs that MLflow's filter language finds in the experiments of these ids.

    Raises:
        ValueError: MLflow cannot read the filter; its own words.
        StoreUnavailable: the store does not answer (an OSError).
    """
    with short_timeouts(_SECONDS), answered(uri):
        return [run.info.run_id for run in _search(connect(uri), experiments, filter)]


def facts(uri: str, experiments: Sequence[str]) -> dict[str, dict[str, str | float]]:
    """Run id → {"params.lr": "0.1", "tags.seed": "3", "metrics.val_loss": 2.3, …} of every run of the experiments of these ids.

    Raises:
        StoreUnavailable: the store does not answer (an OSError).
    """
    with short_timeouts(_SECONDS), answered(uri):
        return {run.info.run_id: _facts(run.data) for run in _search(connect(uri), experiments, "")}


def facts_of(uri: str, run_ids: Sequence[str]) -> dict[str, dict[str, str | float]]:
    """The same of single runs.

    Raises:
        StoreUnavailable: the store does not answer (an OSError).
    """
    with short_timeouts(_SECONDS), answered(uri):
        client = connect(uri)
        return {run_id: _facts(client.get_run(run_id).data) for run_id in run_ids}


def history(uri: str, run_id: str, metric: str) -> History:
    """Every point of a metric of a run; empty where it was never logged.

    Raises:
        StoreUnavailable: the store does not answer (an OSError).
    """
    with short_timeouts(_SECONDS), answered(uri):
        points = connect(uri).get_metric_history(run_id, metric)
    last = {point.step: point for point in sorted(points, key=lambda p: p.timestamp)}  # what a resumed run logged again replaces the old
    kept = [last[step] for step in sorted(last)]
    columns = [[p.step for p in kept], [p.timestamp / 1000 for p in kept], [finite(p.value) for p in kept]]
    return History(*(np.asarray(each, dtype=np.float64) for each in columns))


def _search(client: Any, experiments: Sequence[str], filter: str) -> Iterator[Any]:
    from mlflow.exceptions import MlflowException

    if not experiments:
        return
    try:
        yield from pages(lambda token: client.search_runs(list(experiments), filter, max_results=PAGE, page_token=token))
    except MlflowException as error:
        if filter and error.error_code in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST"):
            raise ValueError(f"MLflow cannot read this filter: {str(error).splitlines()[0][:300]}") from None
        raise


def _facts(data: Any) -> dict[str, str | float]:
    tags = {f"tags.{key}": value for key, value in data.tags.items() if not key.startswith(_INTERNAL)}
    metrics = {f"metrics.{key}": value for key, value in data.metrics.items() if abs(value) < LARGEST_LOSS}
    return {**{f"params.{key}": value for key, value in data.params.items()}, **tags, **metrics}
