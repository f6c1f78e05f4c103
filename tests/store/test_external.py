"""Runs that others logged, read by a metric mapping, all at once or a few at a time."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lightning_scaling.run.record import RunState
from lightning_scaling.store import MetricMapping, Runs, load, read_external
from lightning_scaling.store.mlflow.external import WAITING, Kept

Log = Callable[..., str]
MAPPING = MetricMapping("val_loss", tokens_per_step=100, params="n")


@pytest.fixture
def log(client: Any) -> Log:
    """Logs a run as a program of its own would; points are (step, value)."""
    experiment = client.create_experiment("theirs")

    def log(metrics: dict[str, list[tuple[int, float]]], params: dict[str, str] | None = None, status: str | None = "FINISHED") -> str:
        run = client.create_run(experiment).info.run_id
        for key, points in metrics.items():
            for time, (step, value) in enumerate(points):
                client.log_metric(run, key, value, timestamp=1000 + time, step=step)
        for name, value in (params or {}).items():
            client.log_param(run, name, value)
        if status:
            client.set_terminated(run, status)
        return str(run)

    return log


def test_tokens_from_the_batch_size_and_the_step(uri: str, log: Log) -> None:
    log({"val_loss": [(9, 5.0), (19, 4.0)]}, {"n_params": "1_000_000"})
    run = load(uri, mapping=MetricMapping("val_loss", tokens_per_step=512, params="n_params", family="theirs")).records[0]
    assert run.curve.tokens.tolist() == [5120, 10240]
    assert run.curve.loss.tolist() == [5.0, 4.0]
    assert run.flops.tolist() == [6e6 * 5120, 6e6 * 10240]
    assert (run.params, run.family, run.state) == (10**6, "theirs", RunState.FINISHED)


def test_the_words_of_the_command_line_are_the_same_mapping(uri: str, log: Log) -> None:
    log({"val_loss": [(9, 5.0), (19, 4.0)]}, {"n_params": "1_000_000"})
    (run,) = load(uri, names="loss=val_loss,tokens_per_step=512,params=n_params")
    assert (run.curve.tokens.tolist(), run.params) == ([5120, 10240], 10**6)
    with pytest.raises(ValueError, match="either mapping or names"):
        load(uri, names="loss=val_loss,tokens=t", mapping=MetricMapping(tokens="t"))


def test_tokens_from_a_metric_logged_at_other_steps(uri: str, log: Log) -> None:
    log({"val_loss": [(15, 5.0), (20, 4.0)], "seen": [(10, 1000.0), (20, 2000.0)]})
    assert load(uri, mapping=MetricMapping("val_loss", tokens="seen")).records[0].curve.tokens.tolist() == [1500, 2000]


@pytest.mark.parametrize("lost", [float("inf"), float("nan"), 1e300])
def test_a_count_that_is_lost_once_costs_nothing(uri: str, log: Log, lost: float) -> None:
    points = [(step, 5.0 - step / 100) for step in range(1, 21)]
    log({"val_loss": points, "seen": [(step, lost if step == 7 else 100.0 * step) for step, _ in points]})
    assert load(uri, mapping=MetricMapping("val_loss", tokens="seen")).records[0].curve.tokens.tolist() == [100.0 * s for s, _ in points]


@pytest.mark.parametrize("count", [lambda step: 512.0, lambda step: -step, lambda step: step if step < 10 else step / 4])
def test_a_count_that_does_not_count_up_is_refused_with_the_step(uri: str, log: Log, count: Callable[[int], float]) -> None:
    log({"val_loss": [(step, 5.0) for step in range(1, 21)], "seen": [(step, float(count(step))) for step in range(1, 21)]})
    (rejected,) = load(uri, mapping=MetricMapping("val_loss", tokens="seen")).rejected
    assert "'seen' does not count up at step" in rejected.reason


def test_what_a_resumed_run_trained_again_replaces_what_it_lost(uri: str, log: Log) -> None:
    log({"loss": [(1, 5.0), (2, 4.0), (3, 3.0), (2, 4.1), (3, 3.1), (4, 2.1)]})
    assert load(uri, mapping=MetricMapping("loss", tokens_per_step=1)).records[0].curve.loss.tolist() == [5.0, 4.1, 3.1, 2.1]


def test_a_run_of_lightnings_own_logger(uri: str) -> None:
    from lightning.pytorch.loggers import MLFlowLogger

    logger = MLFlowLogger("lightning", tracking_uri=uri)
    for step in range(4, 20, 5):
        logger.log_metrics({"val_loss": 5.0 - step / 10, "epoch": 0.0}, step)
    logger.finalize("success")
    run = load(uri, "lightning", mapping=MetricMapping(tokens_per_step=100, params=1000)).records[0]
    assert run.curve.tokens.tolist() == [500, 1000, 1500, 2000]


def test_a_run_that_stopped_short_of_its_token_budget_was_interrupted(uri: str, log: Log) -> None:
    log({"val_loss": [(9, 5.0)]}, status=None)
    mapping = MetricMapping(tokens_per_step=1, planned_tokens=100)
    assert load(uri, mapping=mapping).records[0].state is RunState.INTERRUPTED
    assert load(uri, mapping=mapping, now=1.1).records[0].state is RunState.RUNNING


@pytest.mark.parametrize(
    ("metrics", "params", "names"),
    [
        ({"train_loss": [(1, 1.0)]}, {}, "no metric 'val_loss' .it has train_loss"),
        ({}, {}, "none at all"),
        ({"val_loss": [(1, 1.0)]}, {}, "no parameter, tag or metric 'n'"),
        ({"val_loss": [(1, 1.0)]}, {"n": "many"}, "no number: 'many'"),
    ],
)
def test_what_is_missing_is_named(metrics: Any, params: Any, names: str, uri: str, log: Log) -> None:
    log(metrics, params)
    study = load(uri, mapping=MetricMapping(tokens_per_step=1, params="n"))
    assert len(study) == 0
    assert __import__("re").search(names, study.rejected[0].reason)


def test_without_params_there_are_no_flops(uri: str, log: Log) -> None:
    log({"val_loss": [(1, 1.0)]})
    run = load(uri, mapping=MetricMapping(tokens_per_step=1)).records[0]
    assert np.isnan(run.flops).all()


@pytest.mark.parametrize("names", [{}, {"tokens": "seen", "tokens_per_step": 1}])
def test_tokens_are_counted_one_way(names: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="how to count tokens"):
        MetricMapping(**names)


@pytest.fixture
def theirs(uri: str, client: Any) -> list[str]:
    """Ids of three runs of two points and no record."""
    experiment = client.create_experiment("theirs")
    ids = []
    for number in range(3):
        run = client.create_run(experiment, run_name=f"run {number}", tags={"n": "1.5M"}).info.run_id
        for step in (9, 19):
            client.log_metric(run, "val_loss", 5.0 - step / 10, step=step)
        ids.append(run)
    return ids


def losses(study: Runs) -> dict[str, float]:
    return {str(record.run_id): record.loss for record in study}


def test_a_tag_may_hold_the_number_of_parameters(uri: str, theirs: list[str]) -> None:
    study = read_external(load(uri), MAPPING, uri)
    assert {record.params for record in study} == {1_500_000}
    assert {(record.name, record.experiment) for record in study} == {(f"run {i}", "theirs") for i in range(3)}
    assert study.rejected == ()


def test_a_run_is_read_again_only_when_it_has_a_new_point(uri: str, client: Any, theirs: list[str]) -> None:
    kept: Kept = {}
    read_external(load(uri), MAPPING, uri, kept)
    before = {key[0]: reading for key, reading in kept.items()}
    client.log_metric(theirs[1], "val_loss", 1.0, step=29)
    assert losses(read_external(load(uri), MAPPING, uri, kept))[theirs[1]] == 1.0
    after = {key[0]: reading for key, reading in kept.items()}
    assert [after[run] is before[run] for run in theirs] == [True, False, True]


def test_what_time_does_not_allow_waits_for_the_next_call(uri: str, theirs: list[str]) -> None:
    kept: Kept = {}
    first = read_external(load(uri), MAPPING, uri, kept, seconds=-1)
    assert [each.reason for each in first.rejected] == [WAITING] * 3
    assert len(read_external(load(uri), MAPPING, uri, kept)) == 3


def test_runs_of_our_own_stay_as_they_are(uri: str, theirs: list[str], write: Any, record: Any) -> None:
    write(uri, record("ours"), "theirs")
    assert [r.key for r in read_external(load(uri), MAPPING, uri) if r.key == "ours"] == ["ours"]
    assert len(load(uri, mapping=MAPPING)) == 4
