"""Where a run is recorded: the store asked for, and the MLflow runs of the trainer's own loggers. Written by threads of their own."""

from collections.abc import Iterable
from typing import Any

from lightning_scaling.callbacks.loggers import is_mlflow
from lightning_scaling.callbacks.options import Options
from lightning_scaling.callbacks.run import Run
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store import open_recorder, resolve_uri


class Places:
    """One recorder for each place; every call goes to all of them and returns at once.

    Args:
        recorders: by tracking URI.
        first: (tracking URI, experiment) of the first, None where nothing is recorded.
    """

    def __init__(self, recorders: dict[str, Any], first: tuple[str, str] | None = None) -> None:
        self.recorders = recorders
        self.first = first

    def metrics(self, found: dict[str, float], step: int) -> None:
        for recorder in self.recorders.values():
            recorder.metrics(found, step)

    def tags(self, tags: dict[str, str]) -> None:
        for recorder in self.recorders.values():
            recorder.tags(tags)

    def record(self, record: RunRecord) -> None:
        for recorder in self.recorders.values():
            recorder.record(record)

    def artifact(self, name: str, content: str | bytes) -> None:
        for recorder in self.recorders.values():
            recorder.artifact(name, content)

    def close(self, status: str, timeout: float | None) -> None:
        """Hand over what is waiting, within `timeout` seconds (None: as long as a store that works may take)."""
        for recorder in self.recorders.values():
            recorder.close(status, timeout)

    @property
    def run_ids(self) -> dict[str, str]:
        """The MLflow run in each place that has answered."""
        return {uri: recorder.run_id for uri, recorder in self.recorders.items() if recorder.run_id}

    @property
    def pending(self) -> dict[str, Any]:
        """What a checkpoint must keep, so that a killed process loses nothing."""
        return {uri: waiting for uri, recorder in self.recorders.items() if (waiting := recorder.pending())}


def open_places(loggers: Iterable[Any], options: Options, run: Run, params: dict[str, Any], tags: dict[str, str]) -> Places:
    """Start recording `run` in the store of `options` and in the run of each MLflow logger."""
    recorders: dict[str, Any] = {}
    places = list(_places(loggers, options, run))
    for uri, experiment, run_id in places:
        where = {"experiment": experiment, "run_name": options.run_name, "run_id": run_id}
        recorders[uri] = open_recorder(uri, run.key, **where, params=params, tags=tags, replay=run.pending.get(uri, ()))
    return Places(recorders, places[0][:2] if places else None)


def _places(loggers: Iterable[Any], options: Options, run: Run) -> Iterable[tuple[str, str, Any]]:
    """(uri, experiment, run id) of each place, each URI once; a logger's run comes before a new one in the same store.

    A resumed run of a logger goes on where the checkpoint says; in the store it is found again by its key.
    """
    found: dict[str, tuple[str, str, Any]] = {}
    for logger in filter(is_mlflow, loggers):
        uri = resolve_uri(logger._tracking_uri)
        found.setdefault(uri, (uri, logger._experiment_name, run.run_ids.get(uri) or (lambda logger=logger: logger._run_id)))
    if options.store is not None:
        uri = resolve_uri(options.store)
        found.setdefault(uri, (uri, options.experiment, None))
    return found.values()
