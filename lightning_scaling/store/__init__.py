"""Runs kept outside the training process: written so that training never waits, read by thousands in seconds.

Write, which the monitor calls (`recorder.py`):

    open_recorder(store, key, *, experiment, run_name, run_id, params, tags, replay, spool_dir) -> Recorder
    Recorder: .metrics .params .tags .record .artifact, on disk (the operating system's) when they return; .pending() for a checkpoint;
        .close() -> Delivery; .run_id (None until the store has answered) .store .warnings .lost .not_finite

Names of stores (`address.py`, `redaction.py`):

    resolve_uri(store) -> str       in full, absolute; may hold a password: never print, log or save it
    store_name(store) -> str        redacted(resolve_uri(store)): for messages, tags, checkpoints
    redacted(uri) -> str            the URI without user, password, token and query

Read (`loading.py`):

    load(store, experiments, filter, *, mapping, names, stale_after, now, migrate) -> Runs
    read_external(runs, mapping, store, kept, seconds) -> Runs
    deliver(folder, store, migrate) -> list[Delivery]            what `lightning-scaling flush` runs

Layers: `journal/` (files, lock, writer; knows no store) → `sink.py` (the Sink protocol) → `mlflow/` and `folder.py`.
Names are loaded on first use: `import lightning_scaling.store` imports neither mlflow nor pandas.
"""

from typing import TYPE_CHECKING

from lightning_scaling.lazy import lazy

if TYPE_CHECKING:
    from lightning_scaling.store.address import resolve_uri, store_name
    from lightning_scaling.store.delivery import Delivery, deliver
    from lightning_scaling.store.failures import StoreUnavailable, StoreUnusable
    from lightning_scaling.store.loading import experiments, load, read_external
    from lightning_scaling.store.mlflow.external import MetricMapping
    from lightning_scaling.store.recorder import Recorder, open_recorder
    from lightning_scaling.store.redaction import redacted
    from lightning_scaling.store.runs import Rejected, Runs

_LAZY = {
    "Delivery": "delivery",
    "MetricMapping": "mlflow.external",
    "Recorder": "recorder",
    "Rejected": "runs",
    "Runs": "runs",
    "StoreUnavailable": "failures",
    "StoreUnusable": "failures",
    "deliver": "delivery",
    "experiments": "loading",
    "load": "loading",
    "open_recorder": "recorder",
    "read_external": "loading",
    "redacted": "redaction",
    "resolve_uri": "address",
    "store_name": "address",
}

__all__ = [
    "Delivery",
    "MetricMapping",
    "Recorder",
    "Rejected",
    "Runs",
    "StoreUnavailable",
    "StoreUnusable",
    "deliver",
    "experiments",
    "load",
    "open_recorder",
    "read_external",
    "redacted",
    "resolve_uri",
    "store_name",
]

__getattr__, __dir__ = lazy(__name__, _LAZY)
