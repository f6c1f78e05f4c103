"""When a run counts as finished."""

from dataclasses import replace

import numpy as np
import pytest

from lightning_scaling.run.curve import Curve
from lightning_scaling.run.finished import is_finished, why_left_out, with_state
from lightning_scaling.run.record import RunRecord, RunState

RUN = RunRecord("k", Curve([5e8, 1e9], [3.0, 2.8], params=10**7), np.array([3e16, 6e16]))


@pytest.mark.parametrize("end", [{"ended": True}, {"state": RunState.FINISHED}, {"planned_tokens": 10**9}])
def test_a_run_is_finished_when_it_ended_itself_or_reached_its_token_budget(end: dict[str, object]) -> None:
    assert is_finished(replace(RUN, **end))  # type: ignore[arg-type]
    assert why_left_out(replace(RUN, **end)) == ""  # type: ignore[arg-type]


def test_a_run_short_of_its_token_budget_is_not_finished() -> None:
    assert not is_finished(replace(RUN, planned_tokens=2 * 10**9))


def test_an_unfinished_run_may_be_counted_in_and_a_run_without_a_loss_may_not() -> None:
    assert "not finished" in why_left_out(RUN)
    assert why_left_out(RUN, unfinished=True) == ""
    lost = replace(RUN, curve=replace(RUN.curve, loss=np.array([np.nan, np.inf])), ended=True)
    assert "loss" in why_left_out(lost, unfinished=True)


def test_a_run_that_ended_far_above_its_best_has_diverged() -> None:
    ill = replace(RUN, curve=replace(RUN.curve, loss=np.array([2.5, 1e30])), ended=True)
    assert "far above its best (2.5): the run diverged" in why_left_out(ill)


@pytest.mark.parametrize(
    ("ended", "planned", "status", "silent", "state"),
    [
        (True, None, "RUNNING", 1e6, "FINISHED"),  # its record ended before the tracker noted it
        (True, 10**12, "FAILED", 1e6, "FINISHED"),  # stopped early on purpose
        (False, 10, "RUNNING", 1e6, "FINISHED"),  # reached its token budget, then died
        (False, 10**12, "RUNNING", 10, "RUNNING"),
        (False, None, "SCHEDULED", 10, "RUNNING"),
        (False, 10**12, "RUNNING", 1e6, "INTERRUPTED"),  # crashed: the tracker still has RUNNING
        (False, 10**12, "FAILED", 10, "INTERRUPTED"),
        (False, 10**12, "FINISHED", 10, "INTERRUPTED"),  # the tracker's word for "the script ended"
    ],
)
def test_the_state_is_read_from_the_data(ended: bool, planned: int | None, status: str, silent: float, state: str) -> None:
    run = replace(RUN, ended=ended, planned_tokens=planned)
    assert with_state(run, status, 1000.0, 1000.0 + silent).state is RunState[state]
