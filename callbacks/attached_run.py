"""What can be read of the run that an adapter is attached to: on rank 0 the run's own, in a copy of another process what it carries."""

from typing import Any

from lightning_scaling.monitor.judged_run import JudgedRun
from lightning_scaling.monitor.judging import Judgement
from lightning_scaling.monitor.run_monitor import RunMonitor
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord

READINGS = ("curve", "record", "judgement")


class AttachedRun(JudgedRun):
    """Base of the adapters. Its readings are properties: a `__getattr__` would slow every attribute that a hook looks up."""

    automatic = False  # True for the one that the environment variable attaches
    _run: RunMonitor | None
    _given: dict[str, Any]  # the options
    _kept: dict[str, Any]  # the readings of a run of another process

    @property
    def curve(self) -> Curve | None:
        """Loss against tokens so far; None before training and on ranks that do not report."""
        return self._reading("curve")  # type: ignore[no-any-return]

    @property
    def record(self) -> RunRecord | None:
        """Everything kept of the run; None before training and on ranks that do not report."""
        return self._reading("record")  # type: ignore[no-any-return]

    @property
    def judgement(self) -> Judgement | None:
        """The latest judgement, None before the first."""
        return self._reading("judgement")  # type: ignore[no-any-return]

    def _reading(self, name: str) -> Any:
        run = vars(self).get("_run")
        return vars(self).get("_kept", {}).get(name) if run is None or not run.ranks.is_first else getattr(run, name)

    def __getstate__(self) -> dict[str, Any]:
        """A copy has the options and what can be read of the run: threads, hooks, the model and the trainer stay here."""
        return {"given": self._given, "automatic": self.automatic, "kept": self._readings()}

    def _readings(self) -> dict[str, Any]:
        return self._kept if self._run is None else {name: self._reading(name) for name in READINGS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state["given"])  # type: ignore[misc]
        self.automatic, self._kept = state["automatic"], state["kept"]
