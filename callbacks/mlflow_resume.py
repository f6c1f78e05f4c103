"""A resumed training goes on in the MLflow run of its checkpoint.

Lightning's MLFlowLogger opens a run before any checkpoint is read, so every resume would leave a second run in the list (Lightning
issues 6205 and 9370). The logger is turned to the run of the checkpoint, and the run it has just opened is deleted (MLflow keeps deleted
runs until `mlflow gc`). A run that the user chose, which has metrics, is left alone.
"""

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from lightning_scaling.callbacks.loggers import is_mlflow
from lightning_scaling.callbacks.warn_once import Once, tell
from lightning_scaling.store import resolve_uri


def go_on(loggers: Iterable[Any], run_ids: Mapping[str, str], once: Once) -> None:
    """Turn each MLflow logger to the run that `run_ids` names for its tracking URI."""
    for logger in filter(is_mlflow, loggers):
        run_id = run_ids.get(resolve_uri(logger._tracking_uri))
        if run_id is not None and run_id != logger.run_id:
            with once.guard("going on with the MLflow run of the checkpoint"):
                _turn(logger, run_id)


def _turn(logger: Any, run_id: str) -> None:
    client, opened = logger.experiment, logger.run_id
    if client.get_run(opened).data.metrics or client.get_run(run_id).info.lifecycle_stage != "active":
        return
    logger._run_id = run_id
    tell(f"scaling: the MLflow run {run_id} of the checkpoint goes on; the empty run {opened} is deleted")
    threading.Thread(target=_settle, args=(client, run_id, opened), daemon=True, name="scaling-resume").start()


def _settle(client: Any, run_id: str, opened: str) -> None:
    client.update_run(run_id, status="RUNNING")
    client.delete_run(opened)
