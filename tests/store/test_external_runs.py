"""Runs of other programs, read by a metric mapping, a few at a time."""

from typing import Any

import pytest

from lightning_scaling.store import MetricMapping, Runs, load, read_external
from lightning_scaling.store.mlflow.external_runs import WAITING, Kept

MAPPING = MetricMapping("val_loss", tokens_per_step=100, params="n")


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
