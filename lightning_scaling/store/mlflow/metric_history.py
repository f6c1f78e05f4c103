"""Which metric points a run has already, so that none is written a second time."""

from typing import Any


class MetricHistory:
    """Per key the newest stored (step, time), and, only where points come late, all stored steps."""

    def __init__(self, client: Any, run: Any) -> None:
        self._client, self._run_id = client, run.info.run_id
        self._newest: dict[str, tuple[int, int]] = {m.key: (m.step, m.timestamp) for m in _latest(client, run)}
        self._steps: dict[str, set[int]] = {}

    def lacks(self, key: str, step: int, when: int) -> bool:
        """True if the point is to be written: beyond the newest step, or late and in a gap."""
        newest = self._newest.get(key)
        if newest is None or step > newest[0]:
            return True
        return when < newest[1] and step not in self._all(key)

    @property
    def newest_step(self) -> int:
        """The last step of any key, -1 before the first."""
        return max((step for step, _ in self._newest.values()), default=-1)

    def add(self, key: str, step: int, when: int) -> None:
        """The point is stored now."""
        self._newest[key] = max(self._newest.get(key, (step, when)), (step, when))
        if key in self._steps:
            self._steps[key].add(step)

    def _all(self, key: str) -> set[int]:
        if key not in self._steps:
            self._steps[key] = {m.step for m in self._client.get_metric_history(self._run_id, key)}
        return self._steps[key]


def _latest(client: Any, run: Any) -> list[Any]:
    """The newest metric of each key with its step. MLflow's public mapping has the values alone: without its list, histories are read."""
    latest = getattr(run.data, "_metric_objs", None)
    if latest is not None:
        return list(latest)
    return [max(client.get_metric_history(run.info.run_id, key), key=lambda m: (m.step, m.timestamp)) for key in run.data.metrics]
