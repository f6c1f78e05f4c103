"""The record of a run in progress: its curve as arrays, with the plan and the conventions it was counted by."""

import numpy as np

from lightning_scaling.callbacks.facts import Facts
from lightning_scaling.callbacks.options import Options
from lightning_scaling.callbacks.run import Run
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord, RunState


def curve_of(run: Run, facts: Facts, unique_tokens: float | None) -> Curve:
    """The curve so far."""
    points = run.points.kept
    columns = [p.tokens for p in points], [p.loss for p in points], [p.step for p in points]
    return Curve(*columns, schedule=facts.schedule, params=facts.params, unique_tokens=unique_tokens)


def record_of(run: Run, facts: Facts, options: Options, state: RunState) -> RunRecord:
    """The whole record, as a store keeps it."""
    return RunRecord(
        key=run.key,
        curve=curve_of(run, facts, options.unique_tokens),
        flops=np.array([p.flops for p in run.points.kept], dtype=np.float64),
        conventions=facts.conventions,
        groups=facts.groups,
        planned_tokens=facts.planned_tokens,
        predictions=tuple(run.predictions),
        ended=state is RunState.FINISHED,
        state=state,
        name=options.run_name or "",
        family=options.family,
        experiment=options.experiment,
        run_id=next(iter(run.run_ids.values()), None),
        extra={"tokens_trained": run.ledger.tokens, "flops_spent": run.ledger.flops, "hardware_flops": run.ledger.hardware_flops},
    )
