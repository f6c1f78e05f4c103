"""What leaves the training process, on rank 0: lines in the terminal when a reading changes, metrics, tags, files, the closing summary."""

from collections.abc import Callable
from functools import partial
from typing import Any

from lightning_scaling import numbers
from lightning_scaling.advice import Change, Readings
from lightning_scaling.advice.summary import end_of_run
from lightning_scaling.monitor.counting import Counting
from lightning_scaling.monitor.files import files
from lightning_scaling.monitor.guard import Guard, report
from lightning_scaling.monitor.judging import Judgement
from lightning_scaling.monitor.options import Options
from lightning_scaling.monitor.progress import Progress
from lightning_scaling.monitor.recording import Recording, Target, open_recording
from lightning_scaling.monitor.related_runs import RelatedRuns
from lightning_scaling.run.readings import PLATEAU, add_data_entry, plateau_entry
from lightning_scaling.run.record import RunRecord
from lightning_scaling.units import pf_days


class Reporter:
    """Reports and records one run. Whatever fails here is one warning.

    Args:
        options, guard, progress, counting: of the run.
        targets: MLflow runs that the trainer's loggers write to.
    """

    def __init__(self, options: Options, guard: Guard, progress: Progress, counting: Counting, targets: tuple[Target, ...]) -> None:
        self._options, self._guard, self._progress = options, guard, progress
        self.related = RelatedRuns(options.siblings or ())
        self._readings = Readings()
        if progress.flags:
            self._readings.load_state_dict(progress.flags)
        self._recording = guard.run(
            "the store", lambda: open_recording(options, targets, progress, _params(counting), _tags(options)), Recording()
        )
        first = self._recording.first
        if options.family and first and options.siblings is None:
            guard.attempt(
                "the search for related runs", lambda: self.related.look_up(*first, options.family or "", counting.params or 0, guard)
            )

    def judged(self, judgement: Judgement) -> None:
        """There is a new judgement: its tags, and a line for each reading that changed."""
        advice = judgement.advice
        tags = {"scaling.verdict": advice.verdict.name, "scaling.because": advice.because, "scaling.add_data": advice.add_data.name}
        changes = self._readings.update(advice, judgement.tokens, judgement.at)
        self._progress.flags = self._readings.state_dict()
        self._progress.readings = add_data_entry(advice.add_data.name, advice.add_data_because) | self._plateau(changes)
        for change in changes:
            report(change.line)
            tags |= self._plateau_tag(change)
        self._guard.attempt("recording", lambda: self._recording.tags(tags))
        if any(change.reading == "verdict" for change in changes):
            for listener in self._options.on_verdict:
                self._guard.attempt(f"on_verdict={getattr(listener, '__name__', type(listener).__name__)}", partial(listener, advice))

    def _plateau(self, changes: tuple[Change, ...]) -> dict[str, Any]:
        """The entry of the record: the plateau that is called, where it was called."""
        for change in changes:
            if change.reading == "plateau":
                called, ledger = change.value == "called", self._progress.ledger
                return plateau_entry(ledger.tokens, ledger.flops, change.line) if called else {}
        return {name: value for name, value in self._progress.readings.items() if name == PLATEAU}

    def _plateau_tag(self, change: Change) -> dict[str, str]:
        """Where the plateau was called, in tokens and PF-days; empty again where it was withdrawn."""
        if change.reading != "plateau":
            return {}
        tokens, flops = self._progress.ledger.tokens, self._progress.ledger.flops
        called = f"{tokens} tokens, {numbers.pf_days(pf_days(flops))}: {change.line}"
        return {"scaling.plateau": called if change.value == "called" else ""}

    def point(self, found: dict[str, float], step: int, record: Callable[[], RunRecord]) -> None:
        """A point of the run: its metrics, and the record as it is now."""
        self._guard.attempt("recording", lambda: self._recording.metrics(found, step))
        if self._recording.first:
            self._guard.attempt("recording", lambda: self._recording.record(record()))

    def stopped(self, advice: Any) -> None:
        """The run ends here on this advice."""
        report(f"the run is stopped ({advice.verdict.name}): {advice.because}")
        tags = {"scaling.stopped": f"{advice.verdict.name}: {advice.because}"}
        self._guard.attempt("recording", lambda: self._recording.tags(tags))

    def remember(self) -> None:
        """Put into the run what a checkpoint must know of the store."""
        self._progress.run_ids = self._recording.run_ids or self._progress.run_ids
        self._progress.pending = self._recording.pending

    def finished(self, record: RunRecord, judgement: Judgement | None) -> None:
        """The run ended by itself: its files, the last record, the summary."""
        if self._recording.first:
            self._guard.attempt("the files of the run", lambda: self._keep_files(record, judgement))
        self.close(record, "FINISHED", None)
        if self._options.summary:
            self._guard.attempt("the summary", lambda: self._summarise(record, judgement))

    def _keep_files(self, record: RunRecord, judgement: Judgement | None) -> None:
        for name, content in files(record, judgement):
            self._recording.artifact(name, content)

    def _summarise(self, record: RunRecord, judgement: Judgement | None) -> None:
        advice, law = (judgement.advice, judgement.power_law) if judgement else (None, None)
        unit = "samples" if self._options.tokens == "samples" else "tokens"
        for line in end_of_run(record, self._options.law, self.related.curves, advice=advice, power_law=law, unit=unit):
            report(line)

    def close(self, record: RunRecord, status: str, timeout: float | None) -> None:
        """The last record, then the end of the recorders; they report themselves what could not be delivered."""
        self._guard.attempt("recording", lambda: self._recording.record(record))
        self._guard.attempt("the store", lambda: self._recording.close(status, timeout))
        self.remember()


def _params(counting: Counting) -> dict[str, Any]:
    groups = {f"scaling.params.{name}": count for name, count in counting.groups.items()}
    conventions = {f"scaling.convention.{name}": value for name, value in vars(counting.conventions).items() if value is not None}
    return {"scaling.params": counting.params, **groups, **conventions}


def _tags(options: Options) -> dict[str, str]:
    return {"scaling.family": options.family} if options.family else {}
