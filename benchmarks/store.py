"""How fast many runs become a fitted study: `python benchmarks/store.py [--runs 1000] [--large 10000]`.

Bars: 1 000 runs of 400 points read and fitted in 5 s, 10 000 in 45 s; reading at most 3 times a raw SQL read of the same numbers, and
at least 30 times faster than MlflowClient.get_metric_history run by run (timed on a few runs and scaled: it would take minutes).
"""

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from store_makers import EXPERIMENT, KEYS, fill, postgres, server

from lightning_scaling.report.study import Study
from lightning_scaling.store import load

POINTS = 400
BARS = {1000: 5.0, 10_000: 45.0}


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """(seconds, answer)."""
    began = time.perf_counter()
    answer = call()
    return time.perf_counter() - began, answer


def raw_sql(uri: str) -> dict[str, list[Any]]:
    """The same numbers straight from the table of metrics: every run's points as two arrays."""
    import sqlalchemy as sa

    engine = sa.create_engine(uri)
    query = sa.text("SELECT run_uuid, key, step, value FROM metrics WHERE key IN (:a, :b) ORDER BY run_uuid, key, step")
    curves: dict[str, dict[str, list[float]]] = {}
    with engine.connect() as database:
        for run, key, _, value in database.execute(query, {"a": KEYS[0], "b": KEYS[1]}):
            curves.setdefault(run, {}).setdefault(key, []).append(value)
    engine.dispose()
    return {run: [np.array(values) for values in keys.values()] for run, keys in curves.items()}


def by_history(uri: str, runs: list[str]) -> None:
    """What a comparison costs without a record in the run."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    for run in runs:
        for key in KEYS:
            client.get_metric_history(run, key)


def measure(title: str, uri: str, database: str | None, few: int, sql: float | None = None) -> float | None:
    """One row of the table; the seconds of the raw read (None without a table of metrics to read)."""
    load(uri, EXPERIMENT, "tags.`scaling.key` = 'key-0'")  # imports and connections are not part of the comparison
    reading, study = min((timed(lambda: load(uri, EXPERIMENT)) for _ in range(4)), key=lambda each: each[0])
    fitting, _ = timed(Study(study.records).fit)
    if study.rejected:
        raise SystemExit(f"{len(study.rejected)} runs rejected: {study.rejected[0]}")
    if database:
        sql = min(timed(lambda: raw_sql(database))[0] for _ in range(2))
    history = timed(lambda: by_history(uri, [r.run_id for r in study.records[:few]]))[0] * len(study) / few if few else None
    bar = BARS.get(len(study), float("nan"))
    against_sql = f"{reading / sql:5.2f}" if sql else "    –"
    against_history = f"{history / reading:5.0f}" if history else "    –"
    print(f"| {title:10} | {len(study):6} | {reading:6.2f} | {fitting:5.2f} | {bar:4.0f} | {against_sql} | {against_history} |", flush=True)
    return sql


def main() -> None:
    """Make the stores, print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=1000)
    options.add_argument("--large", type=int, default=10_000, help="runs of the large store; 0 for none")
    options.add_argument("--few", type=int, default=40, help="runs read by get_metric_history")
    options.add_argument("--kept", type=Path, help="folder whose sqlite stores are used again, made there at first")
    given = options.parse_args()
    warnings.simplefilter("ignore")
    print("| store      |   runs | read s | fit s | bar s | read / raw SQL | history calls / read |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        local = local_store(given.kept or folder, given.runs)
        sql = measure("sqlite", local, local, given.few)
        with server(local, folder) as uri:
            measure("http", uri, None, given.few, sql)
        with postgres(folder) as uri:
            if uri:
                fill(uri, given.runs, POINTS)
                measure("postgresql", uri, uri, given.few)
        if given.large:
            large = local_store(given.kept or folder, given.large)
            measure("sqlite", large, large, given.few)


def local_store(folder: Path, runs: int) -> str:
    """A database of that many runs (10 000 take some minutes and 2.3 GB), unless it is there."""
    file = folder / f"runs-{runs}.db"
    if not file.exists():
        fill(f"sqlite:///{file}", runs, POINTS)
    return f"sqlite:///{file}"


if __name__ == "__main__":
    main()
