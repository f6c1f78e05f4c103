"""What leaves the training process on rank 0: the judgement of each validation, in the loggers and in the record of the run."""

from typing import Any

from lightning_scaling.advice.summary import end_of_run
from lightning_scaling.callbacks.artifacts import files
from lightning_scaling.callbacks.fit import Fit
from lightning_scaling.callbacks.judgement import Judgement, judge
from lightning_scaling.callbacks.loggers import log, metrics
from lightning_scaling.callbacks.mlflow_resume import go_on
from lightning_scaling.callbacks.places import Places, open_places
from lightning_scaling.callbacks.points import Point
from lightning_scaling.callbacks.run_record import curve_of, record_of
from lightning_scaling.callbacks.siblings import Siblings
from lightning_scaling.callbacks.warn_once import tell
from lightning_scaling.run.record import RunState

# A run with more points than this is judged anew only when it has grown by GROWTH: a judgement costs 10–50 ms.
ALWAYS = 200
GROWTH = 0.005


class Outlet:
    """Judges, logs and records one fit. Whatever fails here is one warning.

    Args:
        fit: the fit whose run is told of.
    """

    def __init__(self, fit: Fit) -> None:
        self._fit = fit
        self.judgement: Judgement | None = None
        self.siblings = Siblings(fit.options.siblings or ())
        self.recording = Places({})
        self._judged_at = 0
        with fit.once.guard("the store"):
            go_on(fit.trainer.loggers, fit.run.run_ids, fit.once)
            self.recording = open_places(fit.trainer.loggers, fit.options, fit.run, _params(fit), _tags(fit))
            self._look_for_siblings()

    def _look_for_siblings(self) -> None:
        options, place = self._fit.options, self.recording.first
        if options.family and place and options.siblings is None:
            self.siblings.look_up(*place, options.family, self._fit.facts.params, self._fit.once)

    def validated(self, point: Point) -> None:
        """A point of the curve is there: judge it and tell everybody."""
        fit = self._fit
        if self._due(point):
            with fit.once.guard("the forecast"):
                self._judge(point)
        step, found = max(fit.trainer.global_step - 1, 0), metrics(point, self.judgement)
        log(fit.trainer.loggers, found, step, fit.once)
        with fit.once.guard("recording"):
            self.recording.metrics(found, step)
            self.recording.tags(self._verdict())
            self.recording.record(self.record(RunState.RUNNING))

    def _due(self, point: Point) -> bool:
        return len(self._fit.run.points) <= ALWAYS or point.tokens >= self._judged_at * (1 + GROWTH)

    def _judge(self, point: Point) -> None:
        fit = self._fit
        curve = curve_of(fit.run, fit.facts, fit.options.unique_tokens)
        self.judgement = judge(curve, point, fit.facts.planned_tokens, fit.options, self.siblings.curves)
        self._judged_at = point.tokens
        fit.run.predict(self.judgement.prediction(point.tokens))

    def _verdict(self) -> dict[str, str]:
        if self.judgement is None:
            return {}
        return {"scaling.verdict": self.judgement.advice.verdict.name, "scaling.because": self.judgement.advice.because}

    def stopped(self, advice: Any) -> None:
        """The run ends here on this advice: say so in the terminal and in the record."""
        tell(f"scaling: the run is stopped ({advice.verdict.name}): {advice.because}")
        with self._fit.once.guard("recording"):
            self.recording.tags({"scaling.stopped": f"{advice.verdict.name}: {advice.because}"})

    def record(self, state: RunState) -> Any:
        """The record of the run as it stands."""
        fit = self._fit
        fit.settle()
        self.remember()
        return record_of(fit.run, fit.facts, fit.options, state)

    def remember(self) -> None:
        """Put into the run what a checkpoint must know of the store."""
        self._fit.run.run_ids = self.recording.run_ids or self._fit.run.run_ids
        self._fit.run.pending = self.recording.pending

    def finish(self) -> None:
        """The run has ended by itself: compare what else its compute could have bought, keep the files, tell the summary."""
        fit = self._fit
        with fit.once.guard("the last forecast"):
            if fit.run.points.kept:
                self._judge(fit.run.points.kept[-1])
        record = self.record(RunState.FINISHED)
        with fit.once.guard("the files of the run"):
            for name, content in files(record, self.judgement) if self.recording.first else ():
                self.recording.artifact(name, content)
        self.close(RunState.FINISHED, "FINISHED", None)
        with fit.once.guard("the summary"):
            for line in end_of_run(record, fit.options.law, self.siblings.curves) if fit.options.summary else ():
                tell(f"scaling: {line}")

    def close(self, state: RunState, status: str, timeout: float | None) -> None:
        """The last record, then the end of the recorders; they say themselves what could not be delivered."""
        with self._fit.once.guard("recording"):
            self.recording.record(self.record(state))
            self.recording.close(status, timeout)


def _params(fit: Fit) -> dict[str, Any]:
    groups = {f"scaling.params.{name}": count for name, count in fit.facts.groups.items()}
    conventions = {f"scaling.convention.{name}": value for name, value in vars(fit.facts.conventions).items() if value is not None}
    return {"scaling.params": fit.facts.params, **groups, **conventions}


def _tags(fit: Fit) -> dict[str, str]:
    return {"scaling.family": fit.options.family} if fit.options.family else {}
