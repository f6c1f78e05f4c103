"""Reading runs back from any store, and which experiments it has."""

import math
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_scaling.run.finished import STALE_SECONDS
from lightning_scaling.store.address import local_folder, resolve_uri
from lightning_scaling.store.runs import Runs

if TYPE_CHECKING:
    from lightning_scaling.store.mlflow.external import Kept, MetricMapping


def load(
    store: str | Path | None = None,
    experiments: str | Iterable[str] | None = None,
    filter: str = "",
    *,
    mapping: "MetricMapping | None" = None,
    names: str | None = None,
    stale_after: float = STALE_SECONDS,
    now: float | None = None,
    migrate: bool = False,
) -> Runs:
    """Read runs from a store.

    Args:
        store: MLflow tracking URI, `name.db`, or a folder of JSON and CSV; None for MLFLOW_TRACKING_URI, else `mlflow.db` in the current
            folder.
        experiments: names, or None for all.
        filter: MLflow's filter language, e.g. "tags.`scaling.family` = 'gpt'".
        mapping: how to read runs logged by others; None lists them as rejected.
        names: the same in words, as the command line and the page take it: "loss=val_loss,tokens_per_step=8192,params=n_params".
        stale_after: seconds of silence after which an unfinished run counts as interrupted.
        now: seconds since 1970, None for the clock.
        migrate: whether a database of an older MLflow version may be migrated, after which that version cannot open it.

    Raises:
        ValueError: no such store or experiment, or words in `names` that are no mapping.
        StoreUnavailable: the store does not answer, or cannot be used from here (an OSError).
    """
    uri, now = resolve_uri(store), time.time() if now is None else now
    wanted = [experiments] if isinstance(experiments, str) else None if experiments is None else list(experiments)
    if (folder := local_folder(uri)) is not None:
        from lightning_scaling.store.folder import load_folder

        if filter or mapping is not None or names is not None:
            raise ValueError("filter and mapping are for MLflow; a folder store holds this project's runs alone, see Runs.select")
        return load_folder(folder, wanted, stale_after, now)
    from lightning_scaling.store.mlflow.mapping_choice import MappingChoice
    from lightning_scaling.store.mlflow.reading import load_mlflow

    if names is not None:
        if mapping is not None:
            raise ValueError("give either mapping or names: both say how to read runs of other programs")
        mapping = MappingChoice.parse(names).names()
    return load_mlflow(uri, wanted, filter, mapping, stale_after, now, migrate)


def experiments(store: str | Path | None = None) -> dict[str, str]:
    """id → name of every active experiment, the newest first.

    Raises:
        StoreUnavailable: the store does not answer (an OSError).
    """
    uri = resolve_uri(store)
    if (folder := local_folder(uri)) is not None:
        from lightning_scaling.store.folder import experiments_in

        return experiments_in(folder)
    from lightning_scaling.store.mlflow.reading import experiments_of

    return experiments_of(uri)


def read_external(
    runs: Runs,
    mapping: "MetricMapping",
    store: str | Path | None = None,
    kept: "Kept | None" = None,
    seconds: float = math.inf,
) -> Runs:
    """The runs with those of the rejected ones that `mapping` fits; the others stay rejected, with the reason.

    Args:
        store: the one the runs were read from.
        kept: where readings are kept between calls; a run is read again once its last values have changed.
        seconds: after which the remaining runs are left for the next call, rejected as `WAITING`.

    Raises:
        StoreUnavailable: the store does not answer (an OSError).
    """
    from lightning_scaling.store.mlflow.external import read_external_of

    return read_external_of(resolve_uri(store), runs, mapping, kept, seconds)
