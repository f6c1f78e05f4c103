"""A run in progress: all that must survive an interruption, and nothing else. It is what the checkpoint holds."""

import uuid
from typing import Any

from lightning_scaling.accounting import Ledger
from lightning_scaling.callbacks.points import Point, Points, most_dispensable
from lightning_scaling.callbacks.rates import Rates
from lightning_scaling.run.record import Prediction

VERSION = 1
MOST_PREDICTIONS = 400


class Run:
    """Counts, points, rates, forecasts, and the identity under which stores know the run.

    Args:
        key: the run's identity, chosen once; a resume keeps it.
        run_ids: the MLflow run that holds it, by tracking URI.
        pending: what recorders had not yet brought to disk when the checkpoint was saved, by tracking URI.
        flops_rule: by which FLOPs were counted; None before the first batch.
        planned_tokens: at the end of the plan, as last known.
    """

    def __init__(self) -> None:
        self.key = uuid.uuid4().hex
        self.run_ids: dict[str, str] = {}
        self.pending: dict[str, Any] = {}
        self.ledger = Ledger()
        self.points = Points()
        self.rates = Rates()
        self.predictions: list[Prediction] = []
        self.stopping: dict[str, Any] = {}
        self.flops_rule: str | None = None
        self.planned_tokens: int | None = None

    def mark(self, loss: float) -> Point:
        """Keep a point of the curve here and now."""
        point = Point(self.ledger.tokens, self.ledger.flops, self.rates.steps, self.rates.sum, loss)
        self.points.add(point)
        return point

    def predict(self, prediction: Prediction) -> None:
        """Keep a forecast; a new one at the same tokens replaces the old, and when there are many the most dispensable goes."""
        self.predictions = [*(p for p in self.predictions if p.tokens < prediction.tokens), prediction]
        if len(self.predictions) > MOST_PREDICTIONS:
            self.predictions.pop(most_dispensable([p.tokens for p in self.predictions]))

    def state(self) -> dict[str, Any]:
        """A plain dict with a version."""
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
            "flops_rule": self.flops_rule,
            "planned_tokens": self.planned_tokens,
        }

    @classmethod
    def restored(cls, state: dict[str, Any]) -> "Run":
        """The run that `state` saved.

        Raises:
            ValueError: the state is of a newer version of this package.
        """
        if state.get("version") != VERSION:
            raise ValueError(f"the checkpoint's monitor state is of version {state.get('version')!r}; this package reads {VERSION}")
        run = cls()
        run.key, run.run_ids, run.pending = state["key"], dict(state["run_ids"]), dict(state["pending"])
        run.ledger.load_state_dict(state["ledger"])
        run.points.restore(state["points"])
        run.rates.restore(state["rates"])
        run.predictions = [Prediction(**p) for p in state["predictions"]]
        run.stopping = dict(state["stopping"])
        run.flops_rule, run.planned_tokens = state["flops_rule"], state["planned_tokens"]
        return run
