"""Data as other programs and other machines left it, through every door: reading, law, report, the page's routes, its files."""

import csv
import io
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from lightning_scaling.cli import main
from lightning_scaling.laws import fit_runs
from lightning_scaling.report.study import Study
from lightning_scaling.run.record import RunState
from lightning_scaling.store import MetricMapping, load

HOUR, BEGAN, TOKENS = 3_600_000, 1_700_000_000_000, 20_000
MAPPING = MetricMapping("val_loss", tokens_per_step=TOKENS, first_step=1, params="n_params")
NAMES = f"loss=val_loss,tokens_per_step={TOKENS},params=n_params"
SIZES = [(n, ratio) for n in (1_000_000, 4_000_000, 16_000_000, 64_000_000) for ratio in (10, 40)]

Put = Callable[..., str]


def loss(params: float, tokens: Any) -> Any:
    return 1.69 + 406.4 / params**0.34 + 410.7 / tokens**0.28


def points(params: int, ratio: float, count: int = 20) -> list[tuple[int, float, int]]:
    """(step, loss, milliseconds): a validation a minute."""
    steps = [round(params * ratio / TOKENS * (i + 1) / count) for i in range(count)]
    return [(s, float(loss(params, s * TOKENS)), BEGAN + 60_000 * i) for i, s in enumerate(steps)]


@pytest.fixture
def put(client: Any) -> Put:
    """Logs a run as another program would; its id."""
    experiment = client.create_experiment("theirs")

    def put(name: str, logged: list[tuple[int, float, int]], params: int = 16_000_000, status: str | None = "FINISHED", **tags: str) -> str:
        run = str(client.create_run(experiment, run_name=name, start_time=BEGAN, tags=tags).info.run_id)
        client.log_param(run, "n_params", params)
        for step, value, at in logged:
            client.log_metric(run, "val_loss", value, timestamp=at, step=step)
        if status:
            client.set_terminated(run, status, end_time=BEGAN + HOUR)
        return run

    return put


@pytest.fixture
def healthy(put: Put) -> None:
    """Eight runs on one law, which what is beside them must not move."""
    for params, ratio in SIZES:
        put(f"{params}-{ratio}", points(params, ratio), params)


def command(*words: str) -> str:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("skew", [-2 * HOUR, HOUR])
@pytest.mark.parametrize("overlap", [0, 3])
def test_a_resumed_run_loses_no_point_to_a_clock_that_is_wrong(skew: int, overlap: int, uri: str, put: Put) -> None:
    logged = points(16_000_000, 20)
    first, second = logged[:12], [(s, v, at + skew) for s, v, at in logged[12 - overlap :]]
    put("resumed", first + second)
    (run,) = load(uri, mapping=MAPPING)
    assert run.curve.step is not None
    assert run.curve.step.tolist() == [s for s, _, _ in logged]
    assert run.curve.loss.tolist() == [v for _, v, _ in logged]


def test_a_run_whose_points_are_all_at_step_0_is_named_and_moves_nothing(uri: str, put: Put, healthy: None) -> None:
    put("no steps", [(0, v, at) for _, v, at in points(16_000_000, 20)])
    runs = load(uri, mapping=MAPPING)
    assert [(each.name, each.reason) for each in runs.rejected] == [
        ("no steps", "all 20 points of 'val_loss' are at step 0: log them with step=")
    ]
    assert len(runs) == len(SIZES)


def test_a_run_that_stays_running_for_ever_is_counted_in_by_hand(uri: str, put: Put, healthy: None) -> None:
    put("for ever", points(64_000_000, 160), 64_000_000, status=None)
    runs = load(uri, mapping=MAPPING)
    assert next(r for r in runs if r.name == "for ever").state is RunState.INTERRUPTED
    for words, number in (((), len(SIZES)), (("--include-unfinished",), len(SIZES) + 1)):
        answer = json.loads(
            command("fit", "--experiment", "theirs", "--store", uri, "--names", NAMES, "--resamples", "0", "--json", *words)
        )
        assert answer["runs"] == number


def test_a_restored_run_is_back_and_a_deleted_one_is_gone(uri: str, put: Put, client: Any) -> None:
    gone, back = put("gone", points(16_000_000, 20)), put("back", points(16_000_000, 20))
    client.delete_run(gone)
    client.delete_run(back)
    assert len(load(uri, mapping=MAPPING)) == 0
    client.restore_run(back)
    assert [(r.name, r.state) for r in load(uri, mapping=MAPPING)] == [("back", RunState.FINISHED)]


@pytest.mark.parametrize("broken", [math.inf, -math.inf, math.nan, 1.797e308])
def test_a_loss_that_broke_is_no_loss_and_moves_no_law(broken: float, uri: str, put: Put, healthy: None) -> None:
    clean = fit_runs(load(uri, mapping=MAPPING).records, resamples=0).surface
    logged = points(16_000_000, 20)
    put("on the way", [(s, broken if i == 4 else v, at) for i, (s, v, at) in enumerate(logged)])
    put("at the end", [(s, broken if i > 14 else v, at) for i, (s, v, at) in enumerate(logged)])
    put("from the start", [(s, broken, at) for s, _, at in logged])
    runs = load(uri, mapping=MAPPING)
    fit = fit_runs(runs.records, resamples=0)
    assert dict(fit.runs.left_out) == {
        "at the end": "its loss ended as nan or inf: the run diverged",
        "from the start": "no finite, positive loss was recorded",
    }
    assert fit.surface.alpha == pytest.approx(clean.alpha, rel=1e-3)
    assert len(fit.runs) == len(SIZES) + 1


@pytest.mark.slow
def test_runs_of_one_validation_have_a_law_a_report_and_a_page_and_the_report_lists_the_others(uri: str, put: Put) -> None:
    for params, ratio in SIZES:
        put(f"{params}-{ratio}", points(params, ratio)[-1:], params)
    fit = fit_runs(load(uri, mapping=MAPPING).records, resamples=0)
    assert fit.surface.alpha == pytest.approx(0.34, rel=1e-3)
    put("no steps", [(0, v, at) for _, v, at in points(16_000_000, 20)])
    first = put("=1\r+1", points(16_000_000, 10)[:10])
    put("second", points(16_000_000, 10)[10:], **{"scaling.resumed_from": first})
    ask = routes(uri)
    assert ask.runs()["count"] == len(SIZES) + 1
    assert "L(C)" in ask("data/law")["sentences"]["law"]
    shown = command("report", "--experiment", "theirs", "--store", uri, "--names", NAMES, "--out", "out")
    assert "no steps: all 20 points" in shown
    assert "continued as run" in shown
    assert Path("out/report.html").stat().st_size > 10_000
    assert re.search(r"\r|^=|,=", Path("out/runs.csv").read_bytes().decode()) is None


def test_names_become_no_formulas_and_no_rows(uri: str, put: Put) -> None:
    names = ["innocent\r=1+cmd", "=1+1", "\t=1", "+1", "@x", "-1\n=2", '"a",=1']
    for name in names:
        put(name, points(16_000_000, 20))
    text = routes(uri).text("data/runs.csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(names)
    assert not [cell for row in rows for cell in row.values() if re.match(r"[=+@\t\r]|-\D", cell or "")]
    assert len(text.replace("\r", "\n").splitlines()) == len(names) + 1


def test_the_routes_answer_over_all_of_it_at_once_and_records_are_json(uri: str, put: Put, healthy: None) -> None:
    logged = points(16_000_000, 20)
    put("inf", [(s, math.inf, at) for s, _, at in logged])
    put("nan", [(s, math.nan if i > 3 else v, at) for i, (s, v, at) in enumerate(logged)])
    put("nothing", [])
    put("one", logged[:1])
    put("zero", [(s, 0.0, at) for s, _, at in logged])
    put("before the start", [(s - logged[3][0], v, at) for s, v, at in logged])
    ask = routes(uri)
    assert {each["name"]: each["reason"] for each in ask.runs()["broken"]} == {"nothing": "no metric 'val_loss' (it has none at all)"}
    assert ask("data/law")["sentences"]
    records = json.loads(ask.text("data/records.json"), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert len(records) == len(SIZES) + 5
    for record in records:
        assert ask(f"data/run/{record['run_id']}")["name"] == record["name"]


@pytest.mark.parametrize("status", ["FINISHED", None])
def test_a_run_that_ended_and_was_trained_longer_in_another_is_one_run_everywhere(
    status: str | None, uri: str, put: Put, healthy: None
) -> None:
    logged = points(16_000_000, 160, 80)
    first = put("first", logged[:40], status=status)
    second = put("second", logged[40:], **{"scaling.resumed_from": first})
    runs = load(uri, mapping=MAPPING)
    joined = next(r for r in runs if r.run_id == second)
    assert np.array_equal(joined.curve.loss, [v for _, v, _ in logged])
    assert [(each.run_id, each.reason) for each in runs.rejected] == [(first, f"continued as run {second}, which is counted")]
    assert len(Study(runs.records).fit(resamples=0).runs) == len(SIZES) + 1
    shown = routes(uri).runs()
    assert shown["count"] == len(SIZES) + 1
    assert [each["id"] for each in shown["broken"]] == [first]


class Routes:
    """The page's data over a store."""

    def __init__(self, uri: str) -> None:
        from starlette.testclient import TestClient

        from lightning_scaling.server.routes import data
        from lightning_scaling.server.run_cache import RunCache
        from lightning_scaling.server.run_details import RunDetails

        self._client = TestClient(data(RunCache(uri), RunDetails(uri)))
        self._ids = {each["name"]: each["id"] for each in self._client.get("/data/experiments").json()}
        self._names = {"loss_metric": "val_loss", "tokens_per_step": str(TOKENS), "params": "n_params"}

    def __call__(self, path: str) -> Any:
        return json.loads(self.text(path))

    def text(self, path: str) -> str:
        answer = self._client.get(path, params={**self._names, "experiment": self._ids["theirs"]})
        assert answer.status_code == 200, answer.text
        return answer.text

    def runs(self) -> Any:
        """Asked again, as the page does, until every history is read."""
        asked = {"experiments": [self._ids["theirs"]], "known": {}}
        while True:
            answer = self._client.post("/data/runs", params=self._names, json=asked)
            assert answer.status_code == 200, answer.text
            if not answer.json()["external"]["waiting"]:
                return answer.json()


def routes(uri: str) -> Routes:
    return Routes(uri)
