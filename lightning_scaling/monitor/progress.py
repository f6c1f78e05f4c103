"""A run in training: all that must survive an interruption, and nothing else. It is what a checkpoint holds."""

import uuid
from typing import Any

from lightning_scaling.accounting import Ledger
from lightning_scaling.monitor.points import Point, Points, most_dispensable
from lightning_scaling.monitor.schedule.observed import ObservedRates
from lightning_scaling.run.record import Prediction

VERSION = 2
MOST_PREDICTIONS = 400


class Progress:
    """Counts, points, rates, forecasts, and the identity under which stores know the run.

    Args:
        key: the run's identity, chosen once; a resume keeps it.
        run_ids: the MLflow run that holds it, by tracking URI.
        pending: what recorders had not yet brought to disk when the checkpoint was saved, by tracking URI.
        counted_by: the conventions by which FLOPs and tokens were counted; None before the first batch.
        token_budget: tokens at the end of training, as last known.
        followed: name of the loss whose points are kept; None before the first.
        family: the run against its siblings, as its latest judgement read it; empty without siblings.
        flags: state of the readings that change only when they have held (verdict, plateau, add data).
        readings: what the record keeps of them, see `run.readings`.
    """

    def __init__(self) -> None:
        self.key = uuid.uuid4().hex
        self.run_ids: dict[str, str] = {}
        self.pending: dict[str, Any] = {}
        self.ledger = Ledger()
        self.points = Points()
        self.rates = ObservedRates()
        self.predictions: list[Prediction] = []
        self.stopping: dict[str, Any] = {}
        self.flags: dict[str, Any] = {}
        self.family: dict[str, Any] = {}
        self.readings: dict[str, Any] = {}
        self.counted_by: dict[str, Any] | None = None
        self.token_budget: int | None = None
        self.followed: str | None = None

    def mark(self, loss: float, averaged: float = float("nan")) -> Point | None:
        """Keep a point of the curve here and now, None before any token; `averaged`: loss of averaged weights, NaN where not evaluated."""
        if not self.ledger.tokens:
            return None
        point = Point(self.ledger.tokens, self.ledger.flops, self.rates.steps, loss, averaged)
        self.points.add(point)
        return point

    def predict(self, prediction: Prediction) -> None:
        """Keep a forecast; a new one at the same tokens replaces the old, and when there are many the most dispensable goes."""
        self.predictions = [*(p for p in self.predictions if p.tokens < prediction.tokens), prediction]
        if len(self.predictions) > MOST_PREDICTIONS:
            self.predictions.pop(most_dispensable([p.tokens for p in self.predictions]))

    def identified_as(self, key: str | None) -> "Progress":
        """The run under this identity. Under another one it is a branch: what was trained counts, what was recorded and judged does not."""
        if key is None or key == self.key:
            return self
        self.key, self.run_ids, self.pending = key, {}, {}
        self.predictions, self.stopping, self.flags, self.token_budget = [], {}, {}, None
        return self

    def state(self) -> dict[str, Any]:
        """A plain dict with a version: strings, numbers, lists and dicts only."""
        return {
            "version": VERSION,
            "key": self.key,
            "run_ids": dict(self.run_ids),
            "pending": dict(self.pending),
            "ledger": self.ledger.state_dict(),
            "points": self.points.state(),
            "rates": self.rates.state(),
            "predictions": [dict(vars(p)) for p in self.predictions],
            "stopping": dict(self.stopping),
            "flags": dict(self.flags),
            "family": dict(self.family),
            "readings": dict(self.readings),
            "counted_by": self.counted_by,
            "token_budget": self.token_budget,
            "followed": self.followed,
        }

    @classmethod
    def restored(cls, state: dict[str, Any]) -> "Progress":
        """The run that `state` saved.

        Raises:
            ValueError: the state is of a newer version of this package, or is none of its own.
        """
        if not isinstance(state, dict) or state.get("version") not in range(1, VERSION + 1):
            found = state.get("version") if isinstance(state, dict) else type(state).__name__
            raise ValueError(f"the checkpoint's monitor state is of version {found!r}; this package reads version {VERSION}: upgrade it")
        run = cls()
        run.key, run.run_ids, run.pending = state["key"], dict(state["run_ids"]), dict(state["pending"])
        run.ledger.load_state_dict(state["ledger"])
        run.points.restore(state["points"] if state["version"] > 1 else [[*p[:3], *p[4:]] for p in state["points"]])  # 1 had sums
        run.rates.restore(state["rates"])
        run.predictions = [Prediction(**p) for p in state["predictions"]]
        run.stopping, run.flags = dict(state["stopping"]), dict(state.get("flags", {}))
        run.readings = dict(state.get("readings", {}))
        run.counted_by, run.token_budget = state.get("counted_by"), state.get("token_budget", state.get("planned_tokens"))
        run.followed, run.family = state.get("followed"), dict(state.get("family", {}))
        return run


def readable(state: dict[str, Any]) -> dict[str, Any]:
    """The state itself, once it is known that `Progress.restored` reads it; ValueError where it does not."""
    Progress.restored(state)
    return state
