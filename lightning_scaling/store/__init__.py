"""Runs kept outside the training process: written so that training never waits, read by thousands in seconds.

Write (what the monitor calls; `recorder.py`):

    open_recorder(store, key, *, experiment="lightning-scaling", run_name=None, run_id=None, params=None, tags=None, replay=(),
                  spool_dir=None) -> Recorder
        store: MLflow tracking URI, `name.db`, a folder of JSON and CSV ("runs/"), or None for MLFLOW_TRACKING_URI, else ./mlflow.db.
        key: the run's identity, made when training first starts and kept in its checkpoint.
        run_id: an MLflow run to write into (its status is left alone), or a callable that is asked at once and then in the store's own
            thread, until it answers something else than None.
        replay: what `pending()` returned when the checkpoint was saved.
        Opens the journal on disk (milliseconds, once); no network, never raises for a store or disk that fails.

    Recorder
        .metrics(values: Mapping[str, float], step: int)      on disk (the operating system's) when it returns, about 20 µs
        .params(values)  .tags(values)                        likewise
        .record(record: RunRecord)                            returns at once; packed by a thread, the newest one wins
        .artifact(name: str, content: str | bytes)            ValueError for a name that leads out of the run's folder
        .pending() -> list[dict]                              JSON for the checkpoint; usually empty
        .close(status="FINISHED"|"FAILED"|"KILLED"|None, timeout: float | None = None) -> Delivery
        .run_id -> str | None                                 None until the store has answered
        .store -> str                                         the store's name without its secrets: the key for a checkpoint
        .warnings, .lost, .not_finite

    Delivery: .key .uri (redacted) .sent .waiting .lost .refused .damaged .spool .because .delivered; str() is a sentence for the user.

Names of stores (`address.py`, `redaction.py`):

    resolve_uri(store) -> str       in full, absolute; may hold a password: never print, log or save it
    store_name(store) -> str        redacted(resolve_uri(store)): for messages, tags, checkpoints
    redacted(uri) -> str            the URI without user, password, token and query

Read (`loading.py`):

    load(store=None, experiments=None, filter="", *, mapping: MetricMapping | None = None, names=None, stale_after=300, now=None,
         migrate=False)
        -> Runs                     .records, .rejected, .finished, .select(**fields), .siblings(family, below=None); len() and iter()
    read_external(runs, mapping, store=None, kept=None, seconds=inf) -> Runs
    deliver(folder=None, store=None, migrate=False) -> list[Delivery]            what `lightning-scaling flush` runs

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

__getattr__ = lazy(__name__, _LAZY)
