"""A run in training as others read it: its curve, its FLOPs, its record."""

from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.monitor.counting import Counting
from lightning_scaling.monitor.options import Options
from lightning_scaling.monitor.progress import Progress
from lightning_scaling.monitor.schedule import ScheduleOutcome, ScheduleTracker
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord, RunState


class RunView:
    """Args:
    options, progress, counting: of the run.
    """

    def __init__(self, options: Options, progress: Progress, counting: Counting) -> None:
        self._options, self._progress, self._counting = options, progress, counting
        self.tracker: ScheduleTracker | None = None  # from the start of training on
        self._record: tuple[tuple[Any, ...], RunRecord] | None = None

    @property
    def curve(self) -> Curve:
        """Loss against tokens so far, with the schedule and N."""
        points = self._progress.points.kept
        columns = [p.tokens for p in points], [p.loss for p in points], [p.step for p in points]
        schedule = self.tracker.schedule() if self.tracker else self._options.schedule
        averaged = [p.averaged for p in points]
        about: dict[str, Any] = dict(params=self._counting.params, unique_tokens=self._options.unique_tokens, optimizer_steps=True)
        about["averaged_loss"] = averaged if any(a == a for a in averaged) else None
        return Curve(*columns, schedule=schedule, **about)

    @property
    def flops(self) -> Floats:
        """(n,) cumulative FLOPs at the points of the curve, by the run's rule."""
        return np.array([p.flops for p in self._progress.points.kept], dtype=np.float64)

    @property
    def schedule_free(self) -> bool:
        """Whether the optimiser needs no decay."""
        return self.tracker is not None and self.tracker.outcome is ScheduleOutcome.SCHEDULE_FREE

    @property
    def unit(self) -> str:
        """What is counted as tokens."""
        return "samples" if self._options.tokens == "samples" else "tokens"

    def _facts(self) -> dict[str, Any]:
        return {name: value() if callable(value) else value for name, value in (self._options.facts or {}).items()}

    def record(self, state: RunState) -> RunRecord:
        """Everything kept of the run, made anew when it has changed."""
        self._counting.settle()
        now = (self._progress.ledger.tokens, state, *self._progress.run_ids.values())
        if self._record is None or self._record[0] != now:
            self._record = (now, self._make_record(state))
        return self._record[1]

    def _make_record(self, state: RunState) -> RunRecord:
        progress, counting, options = self._progress, self._counting, self._options
        return RunRecord(
            key=progress.key,
            curve=self.curve,
            flops=self.flops,
            conventions=counting.conventions,
            groups=counting.groups,
            planned_tokens=progress.token_budget,
            predictions=tuple(progress.predictions),
            ended=state is RunState.FINISHED,
            state=state,
            name=options.run_name or "",
            family=options.family,
            experiment=options.experiment,
            run_id=next(iter(progress.run_ids.values()), None),
            extra=self._extra(),
        )

    def _extra(self) -> dict[str, Any]:
        ledger, family = self._progress.ledger, self._progress.family
        counted = {"tokens_trained": ledger.tokens, "flops_spent": ledger.flops, "hardware_flops": ledger.hardware_flops}
        return self._progress.readings | counted | self._facts() | ({"family": family} if family else {})
