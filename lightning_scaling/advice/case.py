"""All that is known of a run when it is judged: read once, then asked by every rule."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from lightning_scaling.advice import options
from lightning_scaling.advice.ahead import Ahead, look_ahead, raised_since
from lightning_scaling.advice.economics import Economics
from lightning_scaling.advice.growing import Larger, larger_model
from lightning_scaling.advice.overfitting import TurnUp, turn_up
from lightning_scaling.advice.plateau import Plateau, plateau, stretch_end
from lightning_scaling.advice.repetition import Repetition, repetition
from lightning_scaling.advice.result import Option
from lightning_scaling.advice.stretches import Stretches, stretches
from lightning_scaling.forecasting import forecast as forecast_of
from lightning_scaling.run.curve import Curve
from lightning_scaling.units import training_flops

FEWEST = 12  # losses; the forecast asks for as many
HELD = 0.1  # of the tokens so far, over which a plateau must have held


@dataclass(frozen=True, eq=False)
class Case:
    """A run, its plan, and the user's terms. What costs a forecast is made when a rule first asks for it.

    Args:
        end: planned tokens, or the tokens so far where the plan is over.
    """

    curve: Curve
    planned: float
    siblings: Sequence[Curve]
    law: Any
    economics: Economics
    level: float
    given: Any = None

    @property
    def tokens(self) -> float:
        return float(self.curve.tokens[-1])

    @property
    def end(self) -> float:
        return max(self.planned, self.tokens)

    @property
    def progress(self) -> float:
        return self.tokens / self.planned

    @cached_property
    def ahead(self) -> Ahead:
        return look_ahead(self.curve, self.planned)

    @cached_property
    def seen(self) -> Stretches:
        return stretches(self.curve, self.end)

    @cached_property
    def turn(self) -> TurnUp:
        return turn_up(self.seen)

    @cached_property
    def epochs(self) -> float | None:
        return None if self.curve.unique_tokens is None else self.tokens / self.curve.unique_tokens

    @cached_property
    def turned_up(self) -> bool:
        """A proven turn-up that the plan neither explains by a raised rate nor will undo."""
        if not self.turn.proven(self.epochs, self.ahead.to_fall) or raised_since(self.curve, self.turn.since):
            return False
        if self.turn.expected(self.epochs) or not self.ahead.decay_to_come:
            return True
        return bool(self.forecast.loss > self.seen.smooth[self.seen.best])

    @cached_property
    def forecast(self) -> Any:
        """At the end of the plan; the one the caller has made, if it was given."""
        return self.given if self.given is not None else forecast_of(self.curve, at=self.end, siblings=self.siblings, level=self.level)

    @cached_property
    def nearby(self) -> Any:
        """At three places: here (the level without its noise), at the end of the next stretch, and where the decay begins."""
        decay = self.ahead.decays_at or self.end
        at = [self.tokens, stretch_end(self.tokens, self.planned), max(decay, self.tokens)]
        return forecast_of(self.curve, at=np.array(at), siblings=self.siblings, level=self.level)

    @cached_property
    def now(self) -> float:
        """The level of the loss here."""
        return float(self.nearby.loss[0])

    @cached_property
    def plateau(self) -> Plateau:
        return self._plateau(1)

    @cached_property
    def until_decay(self) -> Plateau:
        return self._plateau(2)

    @cached_property
    def stays_flat(self) -> bool:
        """A plateau that was one a tenth of the tokens ago too, and has not been left since: one flat evaluation proves nothing."""
        if not self.plateau.called:
            return False
        before = replace(self, curve=self.curve.until((1 - HELD) * self.tokens), given=None)
        if len(before.curve) < FEWEST:
            return False
        return before.plateau.called and before.now - self.now < self.plateau.threshold * abs(self.now)

    def _plateau(self, index: int) -> Plateau:
        return plateau(self.seen, self.ahead.settled, self.now, float(self.nearby.at[index]), self.nearby, index, self.economics)

    @cached_property
    def repetition(self) -> Repetition | None:
        unique = self.curve.unique_tokens
        return None if unique is None else repetition(self.tokens, self.planned, unique)

    @cached_property
    def continuing(self) -> Option:
        return options.continuing(self.curve, self.end, self.now, self.forecast)

    @cached_property
    def as_much_again(self) -> Option:
        return options.as_much_again(self.curve, self.planned, self.now, self.siblings, self.level)

    @cached_property
    def decaying(self) -> Option | None:
        return options.decaying(self.curve, self.planned, self.now, self.ahead, self.siblings, self.level)

    @cached_property
    def larger(self) -> Larger | None:
        """The best model for the compute of the whole plan."""
        if self.curve.params is None:
            return None
        flops = float(training_flops(self.curve.params, self.end))
        return larger_model(self.curve, self.end, float(self.forecast.loss), flops, self.law, self.siblings)

    def options(self) -> tuple[Option, ...]:
        """Everything that is open to this run, best gain for its cost first."""
        found: list[Option | None] = [self.continuing, self.as_much_again, self.decaying]
        if self.repetition is not None:
            found += options.other_data(self.continuing, self.now, self.repetition, self.economics.fresh_tokens)
        if self.larger is not None:
            found.append(options.growing(self.larger, self.now))
        return options.ranked(found)
