"""Whether a run is finished, still going or cut off: read from its data, as crashed runs stay RUNNING in MLflow for ever."""

from dataclasses import replace

from lightning_scaling.run.record import RunRecord, RunState

STALE_SECONDS = 300.0  # five heartbeats


def stand(record: RunRecord, status: str, sign_of_life: float, now: float, stale_after: float = STALE_SECONDS) -> RunRecord:
    """The record with its state: finished if it said so or reached its plan; running if it gave a sign of life lately; else cut off.

    Args:
        status: MLflow's; only RUNNING can mean a run that is still going.
        sign_of_life, now: seconds since 1970.
        stale_after: seconds of silence after which a run counts as dead.
    """
    if record.ended or _reached(record):
        return replace(record, state=RunState.FINISHED)
    alive = status in ("RUNNING", "SCHEDULED") and now - sign_of_life <= stale_after
    return replace(record, state=RunState.RUNNING if alive else RunState.CUT_OFF)


def _reached(record: RunRecord) -> bool:
    return record.planned_tokens is not None and record.tokens >= record.planned_tokens
