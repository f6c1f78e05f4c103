"""Finished, running or interrupted, by the data."""

from collections.abc import Callable

import pytest

from lightning_scaling.run.record import RunRecord, RunState
from lightning_scaling.store.run_state import with_state


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
def test_state(ended: bool, planned: int | None, status: str, silent: float, state: str, record: Callable[..., RunRecord]) -> None:
    run = record(ended=ended, planned_tokens=planned)
    assert with_state(run, status, 1000.0, 1000.0 + silent).state is RunState[state]
