"""Events into MLflow, each once: find or make the run by its key, then write in batches what is not there yet.

MLflow cannot delete a metric point, so a point is never written twice. A step at or before the newest stored one of its key is either
trained again after a resume (newer than the stored point: left out, the first value stays), or late (older: a spool delivered after the
run went on elsewhere; written where the history has a gap). Repeating a batch whose answer was lost is harmless: time, step and
value are the event's own, and MLflow's tables hold one row of each.
"""

import time
from typing import Any

from lightning_scaling.store import artifacts
from lightning_scaling.store.address import artifact_root
from lightning_scaling.store.batch import Batch
from lightning_scaling.store.client import connect, reason
from lightning_scaling.store.history import History
from lightning_scaling.store.patience import impatient
from lightning_scaling.store.spool import Event

KEY = "scaling.key"
MADE_BY = "scaling.made_by"
UPDATED = "scaling.updated"
HEARTBEAT = "scaling.heartbeat"


class Sink:
    """Delivers one run's events.

    Args:
        header: the spool's: uri, experiment, key, run_name, run_id (one to attach to, or None).
        since: for a run that is being trained, when this process began (ms since 1970): its words count as the newest even where the
            clock of the machine that wrote before it was ahead. None for what an earlier process left.
    """

    def __init__(self, header: dict[str, Any], since: int | None = None) -> None:
        self._header, self._since = header, since
        self._client: Any = None
        self.run_id: str | None = None
        self.refused: list[str] = []

    def send(self, events: list[Event]) -> None:
        """Deliver in order; whatever MLflow raises passes to the caller, who sends the same events again later."""
        with impatient():
            self._open()
            try:
                self._write(events)
            except Exception as error:
                if not _refusal(error) or not self._active():
                    raise
                self._one_by_one(events)

    def beat(self) -> None:
        """Say that the run is alive (readers tell a running from a crashed run by this tag)."""
        if self.run_id is not None and self._own:
            with impatient():
                self._client.set_tag(self.run_id, HEARTBEAT, str(_now()))

    def _open(self) -> None:
        if self.run_id is not None:
            return
        self._client = connect(self._header["uri"])
        run = self._find() or self._make()
        self._own = run.data.tags.get(MADE_BY) == "recorder"
        updated = int(run.data.tags.get(UPDATED, 0))
        self._updated = updated if self._since is None else min(updated, self._since)
        self._params = set(run.data.params)
        self._history = History(self._client, run)
        self.run_id = run.info.run_id

    def _find(self) -> Any | None:
        """The run to attach to, or the one with our key; MlflowException when it was deleted."""
        if self._header["run_id"] is not None:
            return self._client.get_run(self._header["run_id"])
        experiment = self._client.get_experiment_by_name(self._header["experiment"])
        if experiment is None:
            return None
        key = self._header["key"].replace("'", "")
        runs = self._client.search_runs([experiment.experiment_id], f"tags.`{KEY}` = '{key}'", run_view_type=3, max_results=10)
        return min(runs, key=lambda run: run.info.lifecycle_stage != "active", default=None)

    def _make(self) -> Any:
        name, uri = self._header["experiment"], self._header["uri"]
        experiment = self._client.get_experiment_by_name(name)
        try:
            number = experiment.experiment_id if experiment else self._client.create_experiment(name, artifact_root(uri, name))
        except Exception:  # another process made it in between
            experiment = self._client.get_experiment_by_name(name)
            if experiment is None:
                raise
            number = experiment.experiment_id
        tags = {KEY: self._header["key"].replace("'", ""), MADE_BY: "recorder", HEARTBEAT: str(_now())}
        return self._client.create_run(number, self._header.get("began_ms"), tags, self._header["run_name"])

    def _write(self, events: list[Event]) -> None:
        batch = Batch(self._client, self.run_id, self._params)
        for event in events:
            kind, when = event["kind"], event["t"]
            if kind == "metrics":
                new = {k: v for k, v in event["values"].items() if self._history.lacks(k, event["step"], when)}
                batch.metrics(new, event["step"], when, then=self._history)
            elif when < self._updated:
                continue  # the run has gone on elsewhere since: what is newer stays
            elif kind == "params":
                batch.params(event["values"])
            elif kind == "tags":
                batch.tags({**event["values"], UPDATED: str(when), HEARTBEAT: str(when)})
            else:
                batch.flush()
                self._single(event)
        batch.flush()

    def _single(self, event: Event) -> None:
        if event["kind"] == "artifact":
            self._file(event)
        elif event["kind"] == "status" and self._own:
            self._status(event["status"], event["t"])

    def _file(self, event: Event) -> None:
        """Files may go to another place than numbers (S3 without its library, say): if only that one fails, the numbers go on."""
        try:
            artifacts.put(self._client, self.run_id, event)
        except Exception as error:
            if not self._active():
                raise
            self.refused.append(f"{event['name']}: {reason(error)}")

    def _status(self, status: str, when: int) -> None:
        if status == "RUNNING":
            self._client.update_run(self.run_id, status="RUNNING")
        else:
            self._client.set_terminated(self.run_id, status, when)

    def _one_by_one(self, events: list[Event]) -> None:
        """One event was refused for what it is (say, an impossible name): deliver the others and note the reason."""
        for event in events:
            try:
                self._write([event])
            except Exception as error:
                if not _refusal(error) or not self._active():
                    raise
                self.refused.append(reason(error))

    def _active(self) -> bool:
        return bool(self._client.get_run(self.run_id).info.lifecycle_stage == "active")


def _refusal(error: Exception) -> bool:
    return getattr(error, "error_code", None) == "INVALID_PARAMETER_VALUE"


def _now() -> int:
    return int(time.time() * 1000)
