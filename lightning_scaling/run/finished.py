"""When a run counts as finished, and so may enter a law across sizes.

A run is finished when training ended by itself or its tokens reached the token budget. The status in a tracker decides nothing: crashed
runs stay RUNNING there for ever.
"""

import math
from dataclasses import replace

import numpy as np

from lightning_scaling.run.early_end import early_end
from lightning_scaling.run.record import RunRecord, RunState

STALE_SECONDS = 300.0  # five heartbeats
# MLflow stores infinity as the largest float; no loss is as large as this.
LARGEST_LOSS = 1e100
# A run that was advised to stop and ended this far above its own best loss has over-fitted: a flat end moves by less.
TURNED_UP = 0.01
# A run that ended this many times above its own best loss has diverged, whatever was advised.
DIVERGED = 10.0


def is_finished(record: RunRecord) -> bool:
    """Whether training ended by itself, or reached its token budget."""
    return record.ended or record.state is RunState.FINISHED or _reached_budget(record)


def with_state(record: RunRecord, status: str, sign_of_life: float, now: float, stale_after: float = STALE_SECONDS) -> RunRecord:
    """The record with its state: finished if marked so or at its token budget; running after a recent sign of life; else interrupted.

    Args:
        status: the store's; only RUNNING can mean a run that is still being trained.
        sign_of_life, now: seconds since 1970.
        stale_after: seconds of silence after which a run counts as dead.
    """
    if record.ended or _reached_budget(record):
        return replace(record, state=RunState.FINISHED)
    alive = status in ("RUNNING", "SCHEDULED") and now - sign_of_life <= stale_after
    return replace(record, state=RunState.RUNNING if alive else RunState.INTERRUPTED)


def why_left_out(record: RunRecord, unfinished: bool = False) -> str:
    """Why the run cannot enter a law across sizes, with what would change it; empty where it can.

    Args:
        unfinished: runs that have not finished may enter with their last loss.
    """
    if not 0 < record.loss < LARGEST_LOSS:
        return "no finite, positive loss was recorded"
    if not math.isfinite(record.curve.loss[-1]):
        return "its loss ended as nan or inf: the run diverged"
    if record.loss > DIVERGED * (best := float(np.nanmin(record.curve.loss))) > 0:
        return f"its loss ended at {record.loss:.3g}, far above its best ({best:.3g}): the run diverged"
    if record.curve.params is None:
        return "its number of parameters is not known: record or name N"
    if not 0 < record.spent < math.inf:
        return "its FLOPs are not known: record them, or N and tokens"
    if fault := ill(record):
        return fault
    early = early_end(record)
    if early is not None and not (early.as_it_is or early.as_forecast):
        return f"ended before its decay ({early.reason}): its last loss is not that of a finished run"
    if unfinished or is_finished(record):
        return ""
    return f"not finished ({record.state}); include unfinished runs to count its last loss"


def ill(record: RunRecord) -> str:
    """What the last advice found wrong with the run, empty where nothing: such a loss is not what its size and tokens reach."""
    last = record.predictions[-1].verdict if record.predictions else ""
    if last == "INVESTIGATE":
        return "its last verdict is INVESTIGATE: what it reached is not what its size and tokens reach"
    if last == "STOP" and (above := record.curve.loss[-1] / np.nanmin(record.curve.loss) - 1) > TURNED_UP:
        return f"its loss turned up and ended {100 * above:.1f} % above its best, with the verdict STOP"
    return ""


def _reached_budget(record: RunRecord) -> bool:
    return record.planned_tokens is not None and record.planned_tokens > 0 and record.tokens >= record.planned_tokens
