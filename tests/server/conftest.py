"""Runs of a known law written by the real recorder, a real `mlflow server` with the page, and a real headless Chromium."""

import json
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.readings import add_data_entry, plateau_entry
from lightning_scaling.run.record import Prediction, RunRecord
from lightning_scaling.run.schedule import Schedule
from lightning_scaling.store import open_recorder

SCRIPT = "<script>document.title='taken'</script><img src=x onerror=alert(1)>"
LONG = "long-" + "n" * 190 + "-tail"
VERY_LONG = "very-" + "l" * 8990 + "-tail"


def run_of_a_law(params: int, ratio: float, seen: float = 1.0, seed: int = 0, **more: Any) -> RunRecord:
    """A cosine run of L = 1.69 + 406.4/N^.34 + 410.7/D^.28 (Hoffmann et al. 2022) with .2 % noise, up to the share `seen` of it."""
    step = np.linspace(50, 4000, 80).round()
    tokens = np.round(step / 4000 * params * ratio)
    loss = 1.69 + 406.4 / params**0.34 + 410.7 / tokens**0.28 + 0.05 * (1 + np.cos(np.pi * step / 4000)) / 2
    loss *= 1 + 0.002 * np.random.default_rng([seed, params, int(ratio)]).standard_normal(len(loss))
    steps, kept = np.linspace(0, 4000, 50), round(seen * len(step))
    schedule = Schedule(steps, 3e-4 * (1 + np.cos(np.pi * steps / 4000)) / 2 + 1e-6)
    curve = Curve(tokens[:kept], loss[:kept], step[:kept], schedule, params)
    end = int(tokens[-1])
    half = Prediction(
        int(tokens[39]), end, float(loss[-1]), float(loss[-1]) - 0.02, float(loss[-1]) + 0.03, "FORECAST", "CONTINUE", "it still falls"
    )
    facts = {"key": f"{params}-{ratio}-{seed}", "planned_tokens": end, "ended": seen == 1.0, "predictions": (half,), "family": "gpt"}
    return RunRecord(curve=curve, flops=6.0 * params * curve.tokens, conventions=Conventions(), **{**facts, **more})


@pytest.fixture
def make_run() -> Callable[..., RunRecord]:
    """make_run(params, tokens per parameter, seen=…)."""
    return run_of_a_law


@dataclass
class Store:
    """The store that the server serves, and the recorder of its running run."""

    uri: str
    ids: dict[str, str] = field(default_factory=dict)
    running: Any = None


@pytest.fixture
def empty(empty_database: Path, tmp_path: Path) -> str:
    """A fresh store of one's own."""
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path}/mlflow.db"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """write(uri, experiment, record, name=…, status=…) → run id."""
    return lambda *given, **more: put(tmp_path, *given, **more)


def put(spool: Path, uri: str, experiment: str, record: RunRecord, name: str | None = None, status: str | None = "FINISHED") -> str:
    """Write a run with the real recorder."""
    recorder = open_recorder(uri, record.key, experiment=experiment, run_name=name or record.name, spool_dir=spool)
    recorder.metrics({"scaling/tokens": record.tokens, "scaling/val_loss": record.loss}, int(record.curve.step[-1]))
    recorder.record(record)
    assert recorder.close(status).delivered
    return str(recorder.run_id)


@pytest.fixture(scope="session")
def store(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A ladder of 8 finished runs, a running and a cut one; three seeds, a plateau; one run alone; none; runs that cannot be read."""
    from mlflow import MlflowClient

    folder = tmp_path_factory.mktemp("served")
    shutil.copy(empty_database, folder / "mlflow.db")
    made = Store(f"sqlite:///{folder}/mlflow.db")
    for params in (1_000_000, 2_000_000, 4_000_000, 8_000_000):
        for ratio, family in ((10, "gpt"), (40, "moe")):
            put(folder, made.uri, "ladder", run_of_a_law(params, ratio, family=family), f"run-{params}-{ratio}")
    put(folder, made.uri, "ladder", run_of_a_law(2_000_000, 80, seen=0.5, seed=1), LONG, "FAILED")
    for seed in (11, 12, 13):
        run_id = put(folder, made.uri, "seeds", run_of_a_law(4_000_000, 20, seed=seed, key=f"seed-{seed}"), f"seed-{seed}")
        MlflowClient(made.uri).set_tag(run_id, "lr", "0.3" if seed == 12 else "0.1")
    called = {**plateau_entry(100_000_000, 1_200_000_000_000_000, f"plateau: the rest of the budget brings .04 % {SCRIPT}")}
    called |= add_data_entry("NO", f"a doubling brings .1 % {SCRIPT}")
    put(folder, made.uri, "seeds", run_of_a_law(2_000_000, 80, seed=14, extra=called), "plateaued")
    put(folder, made.uri, "alone", run_of_a_law(1_000_000, 20, seed=2), SCRIPT)
    made.running = open_recorder(made.uri, "running", experiment="ladder", run_name="in progress", spool_dir=folder)
    made.running.record(run_of_a_law(16_000_000, 20, seen=0.5, key="running"))
    _family(folder, made.uri)
    _odd(folder, made.uri)
    _external(made)
    yield made
    made.running.close(timeout=5)


def _family(folder: Path, uri: str) -> None:
    """Three smaller runs, two healthy ones of 8M, and one of three times their rate: 2 % worse from 60 % on, its average measured."""
    from mlflow import MlflowClient

    made = {f"small-{n}": run_of_a_law(n * 10**6, 20, family="six", key=f"six-{n}") for n in (1, 2, 4)}
    made |= {f"healthy-{seed}": run_of_a_law(8_000_000, 20, seed=seed, family="six", key=f"six-8-{seed}") for seed in (21, 22)}
    worse = run_of_a_law(8_000_000, 20, seed=23, family="six", key="six-worse")
    ill = worse.curve.loss * np.where(np.arange(80) > 48, 1.02, 1.0)
    averages = np.where(np.arange(80) % 8 == 7, ill * (1 - 0.02 * worse.curve.schedule.at(worse.curve.step) / 3e-4), np.nan)
    made["worse"] = replace(worse, curve=replace(worse.curve, loss=ill, averaged_loss=averages))
    for name, run in made.items():
        run_id = put(folder, uri, "family", run, name)
        MlflowClient(uri).log_param(run_id, "lr", "9e-4" if name == "worse" else "3e-4")


def _odd(folder: Path, uri: str) -> None:
    """Runs with inf and NaN, of one point, and of a name of 9 000 characters."""
    for name, place, value in (("ends at inf", -1, np.inf), ("NaN half way", 40, np.nan), ("all inf", slice(None), np.inf)):
        run = run_of_a_law(1_000_000, 20, key=name, family="odd")
        run.curve.loss[place] = value
        put(folder, uri, "odd", run, name)
    put(folder, uri, "odd", run_of_a_law(2_000_000, 20, seen=1 / 80, key="one point", family="odd"), "one point", "FAILED")
    put(folder, uri, "odd", run_of_a_law(4_000_000, 20, key="very long", family="f" * 300), VERY_LONG)


def _external(made: Store) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(made.uri)
    client.create_experiment("empty")
    broken = client.create_experiment("broken")
    external = client.create_run(broken, run_name="<b>plain</b> logger")
    client.log_metric(external.info.run_id, "val_loss", 2.0)
    client.create_run(broken, run_name="damaged", tags={"scaling.record": "1 1 00000000", "scaling.record.0": "AAAA"})
    made.ids = {each.name: each.experiment_id for each in client.search_experiments()}


@pytest.fixture(scope="session")
def ask() -> Callable[..., Any]:
    """ask(url, body) → (status, headers, body) over HTTP, or with read=True the JSON."""
    return asked


def asked(url: str, body: Any = None, read: bool = False, **headers: str) -> Any:
    request = urllib.request.Request(url, body and json.dumps(body).encode(), {"content-type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=60) as reply:
        content = reply.read()
        return json.loads(content) if read else (reply.status, dict(reply.headers.items()), content)


@pytest.fixture(scope="session")
def server(store: Store, serving_at: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving_at(store.uri, tmp_path_factory.mktemp("page")) as address:
        yield address


@dataclass
class Opened:
    """A page, its console messages, and every address it asked for."""

    page: Any
    console: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def chart(self, name: str) -> str:
        """A fact that the loss chart reports: runs, points, x, y."""
        return str(self.page.get_attribute("#loss-chart", f"data-{name}"))

    def until(self, selector: str) -> Any:
        return self.page.wait_for_selector(selector, timeout=60_000)

    def on_a_phone(self) -> None:
        """Makes the window that of a phone, and waits for the controls, which fold some time after it."""
        self.page.set_viewport_size({"width": 390, "height": 844})
        self.page.wait_for_selector("#controls:not([open])")


@pytest.fixture
def look(browser: Any, server: str, store: Store) -> Iterator[Callable[..., Opened]]:
    """look("ladder") opens the page on that experiment and waits until runs and laws are drawn: until then its parts still move."""
    pages: list[Any] = []

    def open_page(*experiments: str, address: str = server, more: str = "") -> Opened:
        seen = Opened(browser.new_page(viewport={"width": 1366, "height": 768}))
        pages.append(seen.page)
        seen.page.on("console", lambda message: seen.console.append(message.text))
        seen.page.on("pageerror", lambda error: seen.console.append(str(error)))
        seen.page.on("dialog", lambda dialog: (seen.console.append(dialog.message), dialog.dismiss()))
        seen.page.on("request", lambda request: seen.asked.append(request.url))
        query = "&".join(f"experiment={store.ids[name]}" for name in experiments)
        seen.page.goto(f"{address}/scaling?{query}{more}")
        seen.until("body[data-ready]:has(#planner:not([hidden]))")
        return seen

    yield open_page
    for page in pages:
        page.close()
