"""Events into MLflow, each once: find or make the run by its key, then write in batches what is not there yet.

MLflow cannot delete a metric point, so a point is never written twice. A step at or before the newest stored one of its key is either
trained again after a resume (newer than the stored point: left out, the first value stays), or late (older: a journal delivered after
the run continued elsewhere; written where the history has a gap). Repeating a batch whose answer was lost is harmless: time, step and
value are the event's own, and MLflow's tables hold one row of each.

Of tags and records the newest counts, by the clock of the machine that wrote them, unless the journal has steps beyond the stored ones:
then the run has continued there, on a machine whose clock is behind.
"""

import base64
import contextlib
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lightning_scaling.store.address import artifact_root
from lightning_scaling.store.journal.event import Event, artifact_name
from lightning_scaling.store.mlflow.batch import Batch, MetricHistory
from lightning_scaling.store.mlflow.client import connect
from lightning_scaling.store.mlflow.record_tags import to_tags
from lightning_scaling.store.mlflow.timeouts import short_timeouts
from lightning_scaling.store.redaction import reason

KEY = "scaling.key"
MADE_BY = "scaling.made_by"
UPDATED = "scaling.updated"
HEARTBEAT = "scaling.heartbeat"
NOTE = "mlflow.note.content"


def note(experiment_id: str, run_id: str) -> str:
    """The description of a run that this package made, as MLflow renders it: a link to the run on the page `/scaling` of the same server.

    >>> note("1", "abc").partition(")")[0] + ")"
    '[Power law, forecast and verdict of this run](scaling?experiment=1&run=abc)'
    """
    link = f"scaling?experiment={quote(experiment_id)}&run={quote(run_id)}"
    return f"[Power law, forecast and verdict of this run]({link}), where the server runs with `--app-name lightning-scaling`."


class MlflowSink:
    """Delivers one run's events.

    Args:
        uri: resolved address, with its secrets.
        header: the journal's: experiment, key, run_name, run_id (one to write into, or None).
        since: for a run that is being trained, when this process began (ms since 1970): its words count as the newest even where the
            clock of the machine that wrote before it was fast. None for what an earlier process left.
        migrate: whether a database of an older MLflow version may be migrated.
    """

    def __init__(self, uri: str, header: Mapping[str, Any], since: int | None = None, migrate: bool = False) -> None:
        self._uri, self._header, self._since, self._migrate = uri, header, since, migrate
        self._client: Any = None
        self.run_id: str | None = None
        self.refused: list[str] = []

    def send(self, events: list[Event]) -> None:
        """Deliver in order; whatever MLflow raises passes to the caller, who sends the same events again later."""
        with short_timeouts():
            self._open()
            try:
                self._write(events)
            except Exception as error:
                if not _refusal(error) or not self._active():
                    raise
                self._one_by_one(events)

    def beat(self) -> None:
        """Show that the run is alive (readers tell a running from a crashed run by this tag)."""
        if self.run_id is not None and self._own:
            with short_timeouts():
                self._client.set_tag(self.run_id, HEARTBEAT, str(_now()))

    def _open(self) -> None:
        if self.run_id is not None:
            return
        self._client = connect(self._uri, self._migrate)
        run = self._find() or self._make()
        self._own = run.data.tags.get(MADE_BY) == "recorder"
        updated = int(run.data.tags.get(UPDATED, 0))
        self._updated = updated if self._since is None else min(updated, self._since)
        self._params = set(run.data.params)
        self._history = MetricHistory(self._client, run)
        self._newest_step = self._history.newest_step
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
        name, uri = self._header["experiment"], self._uri
        experiment = self._client.get_experiment_by_name(name)
        try:
            number = experiment.experiment_id if experiment else self._client.create_experiment(name, artifact_root(uri, name))
        except Exception:  # another process made it in between
            experiment = self._client.get_experiment_by_name(name)
            if experiment is None:
                raise
            number = experiment.experiment_id
        tags = {KEY: self._header["key"].replace("'", ""), MADE_BY: "recorder", HEARTBEAT: str(_now())}
        run = self._client.create_run(number, self._header.get("began_ms"), tags, self._header["run_name"])
        with contextlib.suppress(Exception):  # a description is worth no delay of what was recorded
            self._client.set_tag(run.info.run_id, NOTE, note(number, run.info.run_id))
        return run

    def _write(self, events: list[Event]) -> None:
        batch, last = Batch(self._client, self.run_id, self._params), _last_record(events)
        for event in events:
            kind, when = event["kind"], event["t"]
            if kind == "metrics":
                self._points(batch, event)
            elif when < self._updated or (kind == "record" and event is not last):
                continue  # the run has continued elsewhere since, or a newer record follows
            elif kind == "params":
                batch.params(event["values"])
            elif kind in ("tags", "record"):
                tags = event["values"] if kind == "tags" else to_tags(event["packed"], event.get("family", ""))
                batch.tags({**tags, UPDATED: str(when), HEARTBEAT: str(when)})
            else:
                batch.flush()
                self._single(event)
        batch.flush()

    def _points(self, batch: Batch, event: Event) -> None:
        step, when = event["step"], event["t"]
        if step > self._newest_step:
            self._updated = min(self._updated, when)
        new = {k: v for k, v in event["values"].items() if self._history.lacks(k, step, when)}
        batch.metrics(new, step, when, then=self._history)

    def _single(self, event: Event) -> None:
        if event["kind"] == "artifact":
            self._file(event)
        elif event["kind"] == "status" and self._own:
            self._status(event["status"], event["t"])

    def _file(self, event: Event) -> None:
        """Files may go to another place than numbers (S3 without its library, say): if only that one fails, the numbers continue."""
        try:
            put_file(self._client, self.run_id, event)
        except Exception as error:
            if not self._active():
                raise
            self.refused.append(f"{event['name']}: {reason(error, self._uri)}")

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
                self.refused.append(reason(error, self._uri))

    def _active(self) -> bool:
        return bool(self._client.get_run(self.run_id).info.lifecycle_stage == "active")


def put_file(client: Any, run_id: str | None, event: Event) -> None:
    """Write the event's file into the run's artifacts, over an older one of the same name."""
    path = artifact_name(event["name"])
    with tempfile.TemporaryDirectory(prefix="lightning-scaling-") as folder:
        file = Path(folder) / path.name
        file.write_bytes(base64.b64decode(event["base64"]))
        parent = None if str(path.parent) == "." else str(path.parent)
        where = str(client.get_run(run_id).info.artifact_uri)
        if where.startswith("mlflow-artifacts:"):
            _through_server(where, client.tracking_uri).log_artifact(str(file), parent)
        else:
            client.log_artifact(run_id, str(file), parent)


def _through_server(where: str, uri: str) -> Any:
    """Files that the tracking server passes on. MLflow's own way there asks the process-wide address until 3.8, which may be another's."""
    from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository
    from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository

    resolve: Any = MlflowArtifactsRepository.resolve_uri
    repository: Any = HttpArtifactRepository
    return repository(resolve(where, uri))


def _last_record(events: list[Event]) -> Event | None:
    """Of several records only the last is sent: it replaces the others anyway."""
    return next((event for event in reversed(events) if event["kind"] == "record"), None)


def _refusal(error: Exception) -> bool:
    return getattr(error, "error_code", None) == "INVALID_PARAMETER_VALUE"


def _now() -> int:
    return int(time.time() * 1000)
