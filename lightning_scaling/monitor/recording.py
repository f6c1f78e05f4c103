"""Where a run is recorded: the store asked for, and the MLflow runs that a trainer's own loggers write to.

Every call returns at once: the store has threads of its own.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lightning_scaling.monitor.options import Options
from lightning_scaling.monitor.progress import Progress
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store import open_recorder, resolve_uri, store_name


@dataclass(frozen=True)
class Target:
    """An MLflow run that a logger of the trainer writes to: its tracking URI, experiment, and the id of the run once the logger has one."""

    uri: str
    experiment: str
    run_id: Callable[[], str | None]


class Recording:
    """One recorder for each place; every call goes to all of them.

    Args:
        recorders: by the store's name (its URI without secrets).
        first: (store, experiment) of the first, None where nothing is recorded.
    """

    def __init__(self, recorders: dict[str, Any] | None = None, first: tuple[str, str] | None = None) -> None:
        self.recorders = recorders or {}
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
        return {name: recorder.run_id for name, recorder in self.recorders.items() if recorder.run_id}

    @property
    def pending(self) -> dict[str, Any]:
        """What a checkpoint must keep, so that a killed process loses nothing."""
        return {name: waiting for name, recorder in self.recorders.items() if (waiting := recorder.pending())}


def open_recording(
    options: Options, targets: Iterable[Target], progress: Progress, params: dict[str, Any], tags: dict[str, str]
) -> Recording:
    """Start recording a run in the store of the options and in the run of each target.

    The run that a logger names always wins; where an earlier part of this training was recorded in another, a tag links it.
    """
    recorders: dict[str, Any] = {}
    places = _places(options, targets)
    for name, (uri, experiment, run_id) in places.items():
        earlier = progress.run_ids.get(name)
        linked = {"scaling.resumed_from": earlier} if earlier and run_id is not None and run_id() != earlier else {}
        about: dict[str, Any] = {"params": params, "tags": tags | linked, "replay": progress.pending.get(name, ())}
        recorders[name] = open_recorder(uri, progress.key, experiment=experiment, run_name=options.run_name, run_id=run_id, **about)
    return Recording(recorders, next(iter((uri, experiment) for uri, experiment, _ in places.values()), None))


def _places(options: Options, targets: Iterable[Target]) -> dict[str, tuple[str, str, Callable[[], str | None] | None]]:
    """(URI, experiment, run id) by the store's name; a logger's run comes before a new one in the same store.

    Two loggers may write to different experiments of one store: the second is named with its experiment.
    """
    found: dict[str, tuple[str, str, Callable[[], str | None] | None]] = {}
    for target in targets:
        name = store_name(target.uri)
        if name in found and found[name][1] != target.experiment:
            name = f"{name} ({target.experiment})"
        found.setdefault(name, (resolve_uri(target.uri), target.experiment, target.run_id))
    asked = options.store or os.environ.get("MLFLOW_TRACKING_URI")
    if asked:
        found.setdefault(store_name(asked), (resolve_uri(asked), options.experiment, None))
    return found
