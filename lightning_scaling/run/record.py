"""Everything that is kept of one run: what the callback writes, the store carries, the laws are fitted to and the report shows."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_scaling import numbers
from lightning_scaling.outcome import Outcome
from lightning_scaling.printed import Printed, Rows
from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.schedule import Schedule
from lightning_scaling.units import pf_days

SCHEMA = 1


class RunState(Outcome):
    """The state of a run, read from its data and never from a status flag: crashed runs stay RUNNING in trackers for ever."""

    FINISHED = "reached the end of its plan, or ended itself"
    RUNNING = "still going"
    INTERRUPTED = "ended before its plan: crashed, killed or cancelled"


@dataclass(frozen=True)
class Prediction:
    """A forecast made during the run: at `tokens` seen, the loss expected at `at` tokens, its interval, the verdict of that moment."""

    tokens: int
    at: int
    loss: float
    low: float
    high: float
    outcome: str = ""
    verdict: str = ""
    because: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class RunRecord(Printed):
    """One run, thinned to a few hundred points.

    Args:
        key: chosen when training starts and kept in the checkpoint; the run's identity in every store.
        curve: loss against tokens, with schedule, params and unique tokens.
        flops: (n,) cumulative FLOPs at the curve's points, by the rule in `conventions`.
        conventions: how params, FLOPs and loss were counted.
        groups: parameters by group, e.g. {"embedding": …, "head": …, "other": …}.
        planned_tokens: tokens at the end of the plan, None where the plan has no end.
        predictions: the forecasts made on the way, oldest first.
        ended: True when training ended by itself (end of plan, or a stop decided on purpose).
        name, family, experiment, run_id: where the run is found and which runs it is compared with.
        extra: anything else worth keeping (peak FLOP/s, hardware FLOPs, seed).
    """

    key: str
    curve: Curve
    flops: NDArray[np.float64]
    conventions: Conventions = field(default_factory=Conventions)
    groups: dict[str, int] = field(default_factory=dict)
    planned_tokens: int | None = None
    predictions: tuple[Prediction, ...] = ()
    ended: bool = False
    state: RunState = RunState.RUNNING
    name: str = ""
    family: str | None = None
    experiment: str | None = None
    run_id: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def params(self) -> int:
        """N by the run's own convention."""
        if self.curve.params is None:
            raise ValueError(f"run {self.name or self.key} does not say how many parameters it has")
        return self.curve.params

    @property
    def active_params(self) -> int:
        """Of N, the parameters that one token meets: all of a dense model, in a mixture of experts those of the experts it is routed to."""
        return self.params if self._counts_active else self.params - self._inactive

    @property
    def total_params(self) -> int:
        """The parameters stored, counted as N is (with or without embeddings); more than the active ones in a mixture of experts alone."""
        return self.params + self._inactive if self._counts_active else self.params

    @property
    def _inactive(self) -> int:
        trained = self.groups.get("inactive_experts", 0)
        return trained if self.conventions.params == "trainable" else trained + self.groups.get("frozen_inactive_experts", 0)

    @property
    def _counts_active(self) -> bool:
        """Whether N leaves the inactive experts out. A number that was given is the nearer of the two."""
        if self.conventions.params != "given":
            return self.conventions.params == "active"
        held = sum(size for group, size in self.groups.items() if group != "copies")
        return self.params**2 < held * (held - self._inactive)

    @property
    def tokens(self) -> float:
        """Tokens trained so far."""
        return float(self.curve.tokens[-1]) if len(self.curve) else 0.0

    @property
    def loss(self) -> float:
        """The last finite loss, NaN before the first."""
        finite = self.curve.loss[np.isfinite(self.curve.loss)]
        return float(finite[-1]) if len(finite) else float("nan")

    @property
    def tokens_trained(self) -> int:
        """Tokens trained so far, exactly; those at the last point where the run does not hold the count."""
        return int(self.extra.get("tokens_trained", self.tokens))

    @property
    def flops_spent(self) -> int:
        """FLOPs spent so far by the run's rule, exactly; those at the last point where the run does not hold the count."""
        return int(self.extra.get("flops_spent", self.spent))

    @property
    def pf_days(self) -> float:
        """What was spent, in PF-days of 8.64e19 FLOPs."""
        return float(pf_days(self.flops_spent))

    @property
    def spent(self) -> float:
        """FLOPs spent so far."""
        return float(self.flops[-1]) if len(self.flops) else 0.0

    def _sentence(self) -> str:
        reached = f"loss {numbers.loss(self.loss)} after {numbers.count(self.tokens_trained)} tokens"
        return f"Run {self.name or self.key}, {self.state.name.lower()}: {reached}."

    def _table(self) -> Rows:
        cells = {
            "parameters": self._size(),
            "tokens": numbers.count(self.tokens_trained),
            "FLOPs": numbers.scientific(self.flops_spent or None),
            "PF-days": numbers.compute(self.pf_days or None),
            "loss": numbers.loss(self.loss),
        }
        return [tuple(cells), tuple(cells.values())]

    def _size(self) -> str:
        if self.curve.params is None or not self._inactive:
            return numbers.count(self.curve.params)
        return f"{numbers.count(self.active_params)} active of {numbers.count(self.total_params)}"

    def to_json(self) -> dict[str, Any]:
        """A plain dict with a schema version; `from_json` brings the same record back."""
        schedule, curve = self.curve.schedule, self.curve
        data: dict[str, Any] = {
            "schema": SCHEMA,
            "key": self.key,
            "name": self.name,
            "family": self.family,
            "conventions": vars(self.conventions),
            "groups": self.groups,
            "params": curve.params,
            "unique_tokens": curve.unique_tokens,
            "planned_tokens": self.planned_tokens,
            "ended": self.ended,
            "tokens": curve.tokens.tolist(),
            "loss": curve.loss.tolist(),
            "step": None if curve.step is None else curve.step.tolist(),
            "averaged_loss": None if curve.averaged_loss is None else curve.averaged_loss.tolist(),
            "optimizer_steps": curve.optimizer_steps,
            "flops": self.flops.tolist(),
            "schedule": None if schedule is None else {"step": schedule.step.tolist(), "lr": schedule.lr.tolist()},
            "predictions": [vars(p) for p in self.predictions],
            "extra": self.extra,
        }
        return {name: finite_json(value) for name, value in data.items()}

    @classmethod
    def from_json(cls, data: dict[str, Any], **where: Any) -> "RunRecord":
        """The record that `to_json` wrote; `where` adds what it does not hold (state, experiment, run_id).

        Raises:
            ValueError: another document, or one of a newer schema.
        """
        if not isinstance(data, dict) or data.get("schema") not in range(1, SCHEMA + 1):
            found = data.get("schema") if isinstance(data, dict) else type(data).__name__
            raise ValueError(f"not a run record of schema 1 to {SCHEMA} (found {found!r})")
        schedule = data["schedule"] and Schedule(data["schedule"]["step"], data["schedule"]["lr"])
        averaged = data.get("averaged_loss")  # neither this nor the unit of the steps is in older records
        more = dict(averaged_loss=None if averaged is None else _with_nan(averaged), optimizer_steps=data.get("optimizer_steps", False))
        curve = Curve(data["tokens"], _with_nan(data["loss"]), data["step"], schedule, data["params"], data["unique_tokens"], **more)
        kept = {k: data[k] for k in ("key", "name", "family", "groups", "planned_tokens", "ended", "extra")}
        predictions = tuple(_prediction(p) for p in data["predictions"])
        flops, counted = np.asarray(_with_nan(data["flops"]), dtype=np.float64), Conventions(**data["conventions"])
        return cls(curve=curve, flops=flops, conventions=counted, predictions=predictions, **kept, **where)


def finite_json(value: Any) -> Any:
    """The value with null in place of NaN and infinities, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite_json(each) for key, each in value.items()}
    return [finite_json(each) for each in value] if isinstance(value, (list, tuple)) else value


def _prediction(data: dict[str, Any]) -> Prediction:
    numbers: dict[str, Any] = {name: math.nan if value is None else value for name, value in data.items()}
    return Prediction(**numbers)


def _with_nan(loss: Any) -> Any:
    """NaN for the nulls of a JSON list; an array has its own."""
    return loss if isinstance(loss, np.ndarray) else [np.nan if x is None else x for x in loss]
