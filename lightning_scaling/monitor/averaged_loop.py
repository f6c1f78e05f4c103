"""An average of recent weights beside a loop of one's own, evaluated by the loop's own validation."""

from collections.abc import Callable
from typing import Any

from lightning_scaling.monitor.averaging import WeightAverage, place_of, undisturbed
from lightning_scaling.monitor.guard import Guard

NAN = float("nan")
NO_MODEL = "averaging=... is left out: it needs model=<module>, whose weights are averaged"


class AveragedLoop:
    """Args:
    asked: where the average is kept: "auto", "device" or "host"; None: there is none.
    model: whose weights are averaged.
    step: optimiser steps made so far.
    guard: where trouble is reported.
    """

    def __init__(self, asked: str | None, model: Any, step: int, guard: Guard) -> None:
        self._model, self._guard = model, guard
        self._average: WeightAverage | None = None
        if asked is not None and model is None:
            guard.warn("averaging", NO_MODEL)
        elif asked is not None:
            try:
                self._average = WeightAverage(model, place_of(asked, model), step)
            except ValueError as error:
                guard.warn("averaging", f"averaging={asked!r} is left out: {error}")

    def stepped(self) -> None:
        """An optimiser step was made."""
        if self._average is not None:
            self._average.update()

    def loss(self, evaluate: Callable[[], float], budget: float | None) -> float:
        """What `evaluate` returns with the average in place, NaN where none is due. Never raises.

        Args:
            evaluate: the loop's validation; what it changes of the model (buffers, mode, random numbers) is put back.
            budget: optimiser steps at the end of training, None where it is not known.
        """
        average = self._average
        if average is None or not average.due(budget):
            return NAN
        average.evaluated()
        return self._guard.run("the loss of averaged weights", lambda: self._evaluated(average, evaluate), NAN)

    def _evaluated(self, average: WeightAverage, evaluate: Callable[[], float]) -> float:
        with undisturbed(self._model), average.in_place():
            return float(evaluate())
