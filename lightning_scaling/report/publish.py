"""A law as a run of its own beside its members: its constants as metrics, its report as an artifact that MLflow shows inline."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning_scaling.laws.runs_fit import RunsFit
from lightning_scaling.laws.saved import to_json
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.report.study import Study
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.address import artifact_root, resolve_uri
from lightning_scaling.store.journal.event import artifact_event
from lightning_scaling.store.mlflow.client import answered, connect
from lightning_scaling.store.mlflow.reading import KIND
from lightning_scaling.store.mlflow.sink import put_file
from lightning_scaling.store.mlflow.timeouts import short_timeouts

_CONSTANTS = ("E", "A", "B", "alpha", "beta", "objective")
_MOST_LINKS = 40
_MOST_CHARACTERS = 4900
_SECONDS = 60


def log_study(
    study: Study,
    law: RunsFit | SurfaceFit | None = None,
    files: Mapping[str, str | bytes | Path] | None = None,
    *,
    uri: str | None = None,
    experiment: str | None = None,
    name: str = "scaling law",
    metrics: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
) -> str:
    """Record a study and its law as an MLflow run (tag `scaling.kind` = "study") that links its members; the id of that run.

    Args:
        law: what was fitted; its finite constants become metrics, itself the artifact `law.json`.
        files: artifacts by name, e.g. {"report.html": Path("out/report.html")}: text, bytes, or a file to read.
        experiment: where to put it; None for the experiment of the first run.

    Raises:
        ValueError: no experiment given and no run to take it from.
        StoreUnavailable: the store does not answer (an OSError).
    """
    experiment = experiment or next((r.experiment for r in study if r.experiment), None)
    if experiment is None:
        raise ValueError("an empty study has no experiment: name one, experiment='…'")
    uri, surface = resolve_uri(uri), law.surface if isinstance(law, RunsFit) else law
    with short_timeouts(_SECONDS), answered(uri):
        client = connect(uri)
        run = client.create_run(_experiment(client, uri, experiment), run_name=name, tags={KIND: "study", **(tags or {})})
        run_id: str = run.info.run_id
        _facts(client, run_id, study, surface, metrics or {})
        _files(client, run_id, {**_members(study), **_law_file(surface), **(files or {})})
        client.set_terminated(run_id)
        return run_id


def _experiment(client: Any, uri: str, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name, artifact_root(uri, name)))


def _facts(client: Any, run_id: str, study: Study, law: SurfaceFit | None, metrics: Mapping[str, float]) -> None:
    """Constants as metrics, the law's name as a parameter, members and families as tags."""
    from mlflow.entities import Metric, Param, RunTag

    constants = {} if law is None else {f"law/{name}": float(getattr(law, name)) for name in _CONSTANTS}
    finite = {k: float(v) for k, v in {**constants, **metrics, "runs": len(study)}.items() if math.isfinite(v)}
    when = client.get_run(run_id).info.start_time
    params = [] if law is None else [Param("law", law.name)]
    families = ", ".join(sorted({r.family for r in study if r.family}))[:_MOST_CHARACTERS]
    tags = [RunTag("mlflow.note.content", _note(client, study)), RunTag("scaling.families", families)]
    client.log_batch(run_id, [Metric(k, v, when, 0) for k, v in finite.items()], params, tags)


def _note(client: Any, study: Study) -> str:
    """The run's description, which MLflow renders: links to the members (8 000 characters at most, so the first forty)."""
    names = {r.experiment for r in study.records[:_MOST_LINKS] if r.experiment}
    numbers = {name: found.experiment_id for name in names if (found := client.get_experiment_by_name(name))}
    lines = [_link(r, numbers.get(r.experiment or "")) for r in study.records[:_MOST_LINKS]]
    more = [f"- … and {len(study) - _MOST_LINKS} more in members.json"] if len(study) > _MOST_LINKS else []
    return "\n".join([f"Law over {len(study)} runs:", "", *lines, *more])


def _link(record: RunRecord, experiment_id: str | None) -> str:
    name = "".join(c if c.isalnum() or c in " ._-" else "\\" + c for c in (record.name or record.key)[:40])
    return f"- {name}" if experiment_id is None else f"- [{name}](#/experiments/{experiment_id}/runs/{record.run_id})"


def _members(study: Study) -> dict[str, str]:
    rows = [{"run_id": r.run_id, "name": r.name, "family": r.family, "state": r.state.name} for r in study]
    return {"members.json": json.dumps(rows, indent=1)}


def _law_file(law: SurfaceFit | None) -> dict[str, str]:
    """The surface as `laws.load` reads it."""
    return {} if law is None else {"law.json": json.dumps(to_json(law), indent=1) + "\n"}


def _files(client: Any, run_id: str, files: Mapping[str, str | bytes | Path]) -> None:
    for name, content in files.items():
        put_file(client, run_id, artifact_event(name, content.read_bytes() if isinstance(content, Path) else content))
