"""Stores for the benchmark: many runs with records and full metric histories, written as rows, and the servers in front of them.

The first run goes through the Recorder, the others repeat its rows under their own ids, sizes and losses, which takes seconds where the
client would take hours.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import Prediction, RunRecord
from lightning_scaling.run.schedule import Schedule
from lightning_scaling.store import open_recorder
from lightning_scaling.store.mlflow.record_tags import to_tags
from lightning_scaling.store.record_packing import pack

EXPERIMENT = "benchmark"
KEYS = ("scaling/tokens", "scaling/val_loss")


def record(number: int, points: int) -> RunRecord:
    """A run of a synthetic law with noise: sizes over three decades, a cosine schedule, ten predictions."""
    rng = np.random.default_rng(number)
    params = int(10 ** rng.uniform(6, 9))
    step = np.arange(1, points + 1) * 25.0
    tokens = step * round(20 * params / step[-1])
    loss = 1.7 + 400 / params**0.34 + 410 / tokens**0.28
    loss = (loss * (1 + 0.002 * rng.standard_normal(points))).astype(np.float32).astype(np.float64)
    plan = np.linspace(0, step[-1], 100)
    schedule = Schedule(plan, 3e-4 * (1 + np.cos(np.pi * plan / plan[-1])) / 2)
    end = int(tokens[-1])
    middle = range(points // 11, points, points // 11)
    predictions = tuple(
        Prediction(int(tokens[i]), end, loss[i] * 0.98, loss[i] * 0.97, loss[i] * 0.99, "FORECAST", "CONTINUE") for i in middle
    )
    curve = Curve(tokens, loss, step, schedule, params)
    kept = {"planned_tokens": end, "ended": True, "family": "benchmark", "name": f"run-{number}", "predictions": predictions}
    return RunRecord(f"key-{number}", curve, 6.0 * params * tokens, Conventions(), **kept)


def fill(uri: str, runs: int, points: int, histories: bool = True) -> None:
    """`runs` runs in a fresh database, with `points` points of two metrics each unless `histories` is False."""
    import sqlalchemy as sa

    first = _first(uri, points)
    engine = sa.create_engine(uri)
    tables = sa.MetaData()
    tables.reflect(engine, only=["runs", "tags", "metrics", "latest_metrics"])
    with engine.begin() as database:
        if engine.dialect.name == "sqlite":
            database.exec_driver_sql("PRAGMA cache_size = -500000")  # 8 million points go into an index in no order
        template = dict(
            database.execute(sa.select(tables.tables["runs"]).where(tables.tables["runs"].c.run_uuid == first)).mappings().one()
        )
        for start in range(1, runs, 250):
            rows = _rows(template, range(start, min(start + 250, runs)), points, histories)
            for table, values in rows.items():
                if values:
                    database.execute(sa.insert(tables.tables[table]), values)
    engine.dispose()


def _first(uri: str, points: int) -> str:
    one = record(0, points)
    with tempfile.TemporaryDirectory() as folder:
        recorder = open_recorder(uri, "key-0", experiment=EXPERIMENT, run_name="run-0", spool_dir=folder)
        for step, tokens, loss in zip(one.curve.step, one.curve.tokens, one.curve.loss, strict=True):
            recorder.metrics(dict(zip(KEYS, (tokens, loss), strict=True)), int(step))
        recorder.record(one)
        if not (delivery := recorder.close(timeout=120)).delivered:
            raise SystemExit(str(delivery))
    return str(recorder.run_id)


def _rows(template: dict, numbers: range, points: int, histories: bool) -> dict[str, list[dict]]:
    rows: dict[str, list[dict]] = {"runs": [], "tags": [], "latest_metrics": [], "metrics": []}
    for number in numbers:
        one, run = record(number, points), uuid.uuid4().hex
        rows["runs"].append({**template, "run_uuid": run, "name": one.name})
        tags = {
            "mlflow.runName": one.name,
            "scaling.key": one.key,
            "scaling.schema": "1",
            "scaling.family": "benchmark",
            **to_tags(pack(one)),
        }
        rows["tags"] += [{"key": k, "value": v, "run_uuid": run} for k, v in tags.items()]
        steps = one.curve.step.astype(int).tolist()
        for key, values in zip(KEYS, (one.curve.tokens.tolist(), one.curve.loss.tolist()), strict=True):
            common = {"key": key, "run_uuid": run, "is_nan": False}
            points_of = [
                {**common, "value": v, "timestamp": template["start_time"] + s, "step": s} for s, v in zip(steps, values, strict=True)
            ]
            rows["latest_metrics"].append(points_of[-1])
            rows["metrics"] += points_of if histories else []
    return rows


@contextlib.contextmanager
def server(backend: str, folder: Path) -> Iterator[str]:
    """A real `mlflow server` on loopback over `backend`; its URI."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", backend, "--host", "127.0.0.1", "--port", str(port)]
    settled = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # its job runners take both cores for its first half minute
    with open(folder / "server.log", "w") as log:
        process = subprocess.Popen([*command, "--workers", "1"], cwd=folder, stdout=log, stderr=log, env=settled, start_new_session=True)
    try:
        _wait(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # it holds nothing; asked politely it takes up to half a minute
        process.wait()


def _wait(url: str) -> None:
    for _ in range(720):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=1).close()
            return
        time.sleep(0.25)
    raise SystemExit(f"no answer from {url}")


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str | None]:
    """A PostgreSQL of its own on loopback, where the system has one (root starts it as the user postgres); else None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")) or [Path(p) for p in [shutil.which("pg_ctl")] if p]
    if not found:
        yield None
        return
    data, bin_folder = folder / "postgres", found[-1].parent
    data.mkdir()
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        for path in (folder, data):
            shutil.chown(path, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run = lambda *command: subprocess.run([*as_user, *command], cwd=data, check=True, stdout=subprocess.DEVNULL)  # noqa: E731
    run(str(bin_folder / "initdb"), "-D", str(data / "db"), "-U", "postgres", "-A", "trust")
    control = [str(bin_folder / "pg_ctl"), "-D", str(data / "db"), "-w", "-l", str(data / "log")]
    run(*control, "-o", f"-p {port} -k {data} -c listen_addresses=127.0.0.1", "start")
    try:
        yield f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres"
    finally:
        run(*control, "-m", "fast", "stop")
