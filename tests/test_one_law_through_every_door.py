"""One set of runs has one law, one optimum and one IsoFLOP bias, whichever way it is asked for.

The runs cost 9 FLOPs per parameter and token instead of 6, so that a door that counts for itself gives another answer.
"""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from click.testing import CliRunner

from lightning_scaling import Curve, RunRecord, RunState
from lightning_scaling.advice.growing import allocation
from lightning_scaling.cli import main
from lightning_scaling.laws import RunsFit, Surface, fit_runs, load
from lightning_scaling.report import Study, load_study
from lightning_scaling.run.conventions import Conventions

RATE = 9.0
LAW = Surface(1.69, 406.4, 410.7, 0.34, 0.28)
BUDGETS = (1e17, 1e18, 1e19, 1e20)

# MLflow and SQLAlchemy warn of their own deprecations.
pytestmark = pytest.mark.filterwarnings("ignore")


def sweep() -> Iterator[RunRecord]:
    """IsoFLOP runs: six sizes about the best one at each of four budgets, .2 % noise."""
    rng = np.random.default_rng(5)
    for budget in BUDGETS:
        for size in LAW.optimum(budget, RATE).params * np.geomspace(0.3, 3.0, 6):
            params = int(size)
            tokens = np.round(budget / RATE / params * np.array([0.25, 0.5, 1.0]))
            loss = LAW.predict(params, tokens) * np.exp(rng.normal(0, 0.002))
            conventions = Conventions(flops="given")
            curve = Curve(tokens, loss, params=params)
            key = f"{budget:.0e}-{params}"
            yield RunRecord(key, curve, RATE * params * tokens, conventions, ended=True, state=RunState.FINISHED, name=key)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    from lightning_scaling.store import open_recorder

    folder = tmp_path_factory.mktemp("store")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    for run in sweep():
        recorder = open_recorder(uri, run.key, experiment="sweep", run_name=run.name, spool_dir=folder / "spool")
        recorder.record(run)
        recorder.close("FINISHED", timeout=60)
    return uri


@pytest.fixture(scope="module")
def study(store: str) -> Study:
    return load_study(store, "sweep")


@pytest.fixture(scope="module")
def fit(study: Study) -> RunsFit:
    return study.fit()


@pytest.fixture(scope="module")
def table(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same runs as a CSV, in another order."""
    path = tmp_path_factory.mktemp("table") / "runs.csv"
    rows = [f"{r.params},{r.tokens!r},{r.loss!r},{r.spent!r}" for r in reversed(study.records)]
    path.write_text("\n".join(["params,tokens,loss,flops", *rows]))
    return path


def invoke(*args: str) -> Any:
    done = CliRunner().invoke(main, [*args, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def page(store: str, **asked: str) -> Any:
    """The answer of the page's endpoint for its law."""
    from lightning_scaling.server.routes import data
    from lightning_scaling.server.run_cache import RunCache
    from lightning_scaling.server.run_details import RunDetails

    cache = RunCache(store)
    number = next(key for key, name in cache.experiments().items() if name == "sweep")
    answer = get(data(cache, RunDetails(store)), "/data/law", urlencode({"experiment": number, **asked}))
    with ThreadPoolExecutor(1) as pool:  # a browser of another test may have a loop running in this thread
        return json.loads(pool.submit(asyncio.run, answer).result())


async def get(app: Any, path: str, query: str) -> bytes:
    """The body of one GET request to an ASGI application."""
    body = bytearray()
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "root_path": "", "scheme": "http"}
    scope |= {"query_string": query.encode(), "headers": [], "server": ("test", 80), "client": ("test", 1), "http_version": "1.1"}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        body.extend(message.get("body", b""))

    await app(scope, receive, send)
    return bytes(body)


def same(found: dict[str, Any], fit: RunsFit) -> None:
    assert [found[name] for name in ("E", "A", "B", "alpha", "beta")] == pytest.approx(list(vars(fit.surface.surface).values()), rel=1e-9)


def test_the_fit_counts_as_the_runs_do(fit: RunsFit) -> None:
    assert fit.flops_per == pytest.approx(RATE)
    best = fit.optimum(1e21)
    assert RATE * best.params * best.tokens == pytest.approx(1e21)
    assert fit.surface.alpha == pytest.approx(0.34, abs=0.02)


@pytest.fixture(scope="module", params=["table", "store"])
def fitted(request: pytest.FixtureRequest, table: Path, store: str) -> Any:
    """`fit --json` of the runs from a table, and from the store."""
    source = [str(table)] if request.param == "table" else ["--store", store, "--experiment", "sweep"]
    return invoke("fit", *source, "--approaches", "--backtest", "--flops", "1e21", "--flops", "1e22")


def test_the_command_line_gives_the_same_law_intervals_and_optimum(fitted: Any, fit: RunsFit) -> None:
    same(fitted["constants"], fit)
    assert fitted["intervals"]["alpha"] == pytest.approx(list(fit.surface.interval("alpha", 0.9)), rel=1e-6)
    best = fit.optimum(1e21)
    assert (fitted["optima"][0]["params"], fitted["optima"][0]["tokens"]) == pytest.approx((best.params, best.tokens))


def test_the_command_line_gives_the_same_bias_and_backtest(fitted: Any, fit: RunsFit) -> None:
    assert fit.isoflops is not None
    assert fitted["approaches"]["isoflop_bias"] == pytest.approx(fit.isoflops.exponent_bias)
    assert [run["predicted"] for run in fitted["backtest"]["held_out"]] == pytest.approx(fit.backtest().predicted.loss.tolist())


def test_the_bias_is_that_of_the_same_sweep_counted_by_six(fit: RunsFit, study: Study) -> None:
    """The rule of counting moves no exponent: parabolas over N are the same curves at 6·N·D and at 9·N·D."""
    from dataclasses import replace

    six = fit_runs([replace(r, flops=r.flops * 6 / RATE, conventions=Conventions()) for r in study])
    assert fit.isoflops is not None
    assert six.isoflops is not None
    assert fit.isoflops.exponent_bias == pytest.approx(six.isoflops.exponent_bias, abs=1e-9)
    assert fit.isoflops.growth is not None
    assert RATE * fit.isoflops.growth.params * fit.isoflops.growth.tokens == pytest.approx(fit.isoflops.growth.flops)


@pytest.mark.slow
def test_the_report_gives_the_same_law_optimum_and_prediction(store: str, fit: RunsFit, tmp_path: Path) -> None:
    found = invoke("report", "--experiment", "sweep", "--store", store, "--out", str(tmp_path))
    same(found["law"], fit)
    best = fit.optimum(found["optima"][1]["flops"])
    assert found["optima"][1]["params"] == pytest.approx(best.params)
    assert RATE * found["optima"][1]["params"] * found["optima"][1]["tokens"] == pytest.approx(found["optima"][1]["flops"])
    assert fit.largest is not None
    assert found["prediction"]["loss"] == pytest.approx(fit.largest.loss)
    assert found["frontier"]["exponent"] == pytest.approx(fit.frontier.exponent)


def test_the_page_and_its_planner_give_the_same(store: str, fit: RunsFit) -> None:
    from lightning_scaling.report.law_lines import surface_lines

    found = page(store)
    assert [(line["name"], line["value"], line["interval"]) for line in found["surfaceLines"]] == [
        (line.name, line.value, line.interval) for line in surface_lines(fit.surface)
    ]
    planner, at = found["planner"], found["planner"]["start"]
    best = fit.optimum(planner["flops"][at])
    assert planner["fitted"]["params"][at] == pytest.approx(best.params, rel=1e-5)
    assert RATE * planner["fitted"]["params"][at] * planner["fitted"]["tokens"][at] == pytest.approx(planner["flops"][at], rel=1e-4)
    assert fit.isoflops is not None
    assert any(f"{fit.isoflops.exponent_bias:+.3f}" in each["because"] for each in found["approaches"])


def test_the_notebook_prints_the_same(fit: RunsFit, study: Study) -> None:
    assert study.fit()._repr_html_() == fit._repr_html_()
    assert f"{fit.surface.alpha:.4g}" in fit._repr_html_()


def test_a_saved_law_plans_and_advises_by_the_same_rule(table: Path, fit: RunsFit, tmp_path: Path) -> None:
    invoke("fit", str(table), "--save", str(tmp_path / "law.json"))
    row = invoke("plan", "--flops", "1e21", "--law", str(tmp_path / "law.json"))["laws"][0]
    best = fit.optimum(1e21)
    assert (row["params"], row["tokens"]) == pytest.approx((best.params, best.tokens))
    facts = allocation(Curve([best.tokens], [2.0], params=int(best.params)), best.tokens, load(tmp_path / "law.json"))
    assert facts["best_params"] == pytest.approx(best.params, rel=1e-6)
