"""Whether a run is finished, running or interrupted: read from its data, as crashed runs stay RUNNING in a tracker for ever."""

from dataclasses import replace

from lightning_scaling.run.record import RunRecord, RunState

STALE_SECONDS = 300.0  # five heartbeats


def with_state(record: RunRecord, status: str, sign_of_life: float, now: float, stale_after: float = STALE_SECONDS) -> RunRecord:
    """The record with its state: finished if marked so or at its token budget; running after a recent sign of life; else interrupted.

    Args:
        status: the store's; only RUNNING can mean a run that is still being trained.
        sign_of_life, now: seconds since 1970.
        stale_after: seconds of silence after which a run counts as dead.
    """
    if record.ended or _reached(record):
        return replace(record, state=RunState.FINISHED)
    alive = status in ("RUNNING", "SCHEDULED") and now - sign_of_life <= stale_after
    return replace(record, state=RunState.RUNNING if alive else RunState.INTERRUPTED)


def _reached(record: RunRecord) -> bool:
    return record.planned_tokens is not None and record.tokens >= record.planned_tokens
