"""Copies of a run in training, by pickle or deepcopy: what can be read of it and what resumes it. Threads and the model stay behind."""

from abc import abstractmethod
from typing import Any

from lightning_scaling.monitor.counting import Counting
from lightning_scaling.monitor.guard import Guard
from lightning_scaling.monitor.judged_run import JudgedRun
from lightning_scaling.monitor.progress import Progress
from lightning_scaling.monitor.run_view import RunView
from lightning_scaling.monitor.schedule import ScheduleTracker
from lightning_scaling.monitor.verdicts import Verdicts
from lightning_scaling.run.record import RunState


class CopiedRun(JudgedRun):
    """A copy reads as the run did; its next step continues the run as after `load_state_dict`."""

    _given: dict[str, Any]  # the options
    _state: RunState
    _verdicts: Verdicts
    _view: RunView
    counting: Counting
    guard: Guard
    progress: Progress
    should_stop: bool

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """The run for a checkpoint."""

    def __getstate__(self) -> dict[str, Any]:
        counted = {name: getattr(self.counting, name) for name in ("params", "groups", "conventions")}
        kept = {"given": self._given, "saved": self.state_dict(), "counted": counted, "schedule": self._view.curve.schedule}
        return kept | {"judgement": self.judgement, "ended": (self._state, self.should_stop)}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        self.__init__(state=kept["saved"], **kept["given"])  # type: ignore[misc]
        vars(self.counting).update(kept["counted"])
        self._view.tracker = ScheduleTracker(self.progress.rates, self.guard, kept["schedule"])
        self._view.tracker.freeze()
        self._verdicts.latest = kept["judgement"]
        self._state, self.should_stop = kept["ended"]
