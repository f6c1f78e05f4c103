"""All that is known of a run when it is judged: read once, then asked by every rule."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from lightning_scaling.advice import options
from lightning_scaling.advice.annealing import RemainingAnnealing, raised_since, remaining_annealing
from lightning_scaling.advice.bins import Bins, binned
from lightning_scaling.advice.economics import Economics
from lightning_scaling.advice.growing import DEFAULT, Larger, as_law, larger_model
from lightning_scaling.advice.overfitting import TurnUp, turn_up
from lightning_scaling.advice.plateau import Plateau, PlateauCall, plateau, stretch_end
from lightning_scaling.advice.published_range import quotable
from lightning_scaling.advice.repetition import Repetition, repetition
from lightning_scaling.advice.result import Option
from lightning_scaling.forecasting import forecast as forecast_of
from lightning_scaling.run.curve import Curve
from lightning_scaling.units import training_flops

FEWEST = 12  # losses; the forecast asks for as many
HELD = 0.1  # of the tokens so far, over which a plateau must have held
UNKNOWN_SCHEDULE = 0.99  # probability that a plateau needs where no schedule states that no decay will come


@dataclass(frozen=True, eq=False)
class Evidence:
    """A run, its token budget, and the user's terms. What costs a forecast is made when a rule first asks for it.

    Args:
        budget: tokens at the end of the run as planned.
        given: a forecast at `end` that the caller has made.
        unit: what is counted as tokens.
        flops_per_token: what one costs to train on; None: 6·N where the unit is tokens, else not known.
        schedule_free: the optimiser needs no decay.
    """

    curve: Curve
    budget: float
    siblings: Sequence[Curve]
    law: Any
    economics: Economics
    level: float
    given: Any = None
    unit: str = "tokens"
    flops_per_token: float | None = None
    schedule_free: bool = False

    @property
    def tokens(self) -> float:
        return float(self.curve.tokens[-1])

    @property
    def end(self) -> float:
        """Tokens at the end of the budget, or the tokens so far where it is spent."""
        return max(self.budget, self.tokens)

    @property
    def progress(self) -> float:
        return self.tokens / self.budget

    def cost(self, tokens: float) -> float | None:
        """FLOPs of training on `tokens`, None where that is not known."""
        return self.setting.cost(tokens)

    @cached_property
    def setting(self) -> options.Setting:
        terms = (self.unit, self.flops_per_token, self.schedule_free)
        return options.Setting(self.curve, self.budget, self.now, self.siblings, self.level, *terms)

    @cached_property
    def annealing(self) -> RemainingAnnealing:
        return remaining_annealing(self.curve, self.budget, self.schedule_free)

    @cached_property
    def seen(self) -> Bins:
        return binned(self.curve, self.end)

    @cached_property
    def turn(self) -> TurnUp:
        return turn_up(self.seen)

    @cached_property
    def epochs(self) -> float | None:
        return None if self.curve.unique_tokens is None else self.tokens / self.curve.unique_tokens

    @cached_property
    def turned_up(self) -> bool:
        """A proven turn-up that the schedule neither explains by a raised rate nor is expected to undo."""
        if not self.turn.proven(self.epochs, self.annealing.to_fall) or raised_since(self.curve, self.turn.since):
            return False
        if self.turn.expected(self.epochs) or not self.annealing.decay_to_come:
            return True
        return bool(self.forecast.loss > self.seen.smooth[self.seen.best])

    @cached_property
    def forecast(self) -> Any:
        """At the end of the budget; the one the caller has made, if it was given."""
        return self.given if self.given is not None else forecast_of(self.curve, at=self.end, siblings=self.siblings, level=self.level)

    @property
    def extrapolated(self) -> bool:
        """Whether the forecast has a loss and an interval."""
        return bool(np.isfinite([self.forecast.loss, self.forecast.low, self.forecast.high]).all())

    @cached_property
    def nearby(self) -> Any:
        """At three places: here (the level without its noise), at the end of the next stretch, and where the decay begins."""
        decay = self.annealing.decays_at or self.end
        at = [self.tokens, stretch_end(self.tokens, self.budget), max(decay, self.tokens)]
        return forecast_of(self.curve, at=np.array(at), siblings=self.siblings, level=self.level)

    @cached_property
    def now(self) -> float:
        """The level of the loss here."""
        level = float(self.nearby.loss[0])
        return level if np.isfinite(level) else float(np.median(self.seen.loss[-3:]))

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

    @cached_property
    def plateau_call(self) -> PlateauCall | None:
        """The plateau that is flagged: not while a decay is to come, and all but certain where the schedule is not known."""
        found = self.annealing
        if found.decay_to_come or (not found.known and self.plateau.chance < UNKNOWN_SCHEDULE) or not self.stays_flat:
            return None
        left = self.plateau.until - self.tokens
        rest = self.plateau.until <= self.budget
        return PlateauCall(self.tokens, max(self.plateau.gain, 0.0), max(self.plateau.high, 0.0), left, self.cost(left), self.unit, rest)

    def _plateau(self, index: int) -> Plateau:
        return plateau(self.seen, self.annealing.settled, self.now, float(self.nearby.at[index]), self.nearby, index, self.economics)

    @cached_property
    def repetition(self) -> Repetition | None:
        unique = self.curve.unique_tokens
        return None if unique is None else repetition(self.tokens, self.budget, unique)

    @cached_property
    def continuing(self) -> Option:
        return options.continuing(self.setting, self.forecast)

    @cached_property
    def as_much_again(self) -> Option:
        return options.as_much_again(self.setting)

    @cached_property
    def decaying(self) -> Option | None:
        return options.decaying(self.setting, self.annealing)

    @cached_property
    def law_to_quote(self) -> Any:
        """The user's law, else a published one where it was fitted on such runs; None where neither is there."""
        if self.law is not None:
            return self.law
        default = as_law(DEFAULT)
        return default if quotable(default, self.curve.params, float(self.forecast.loss), self.unit) else None

    @cached_property
    def larger(self) -> Larger | None:
        """The best model for the compute of the whole budget."""
        if self.curve.params is None or self.unit != "tokens" or not self.extrapolated:
            return None
        flops = float(training_flops(self.curve.params, self.end))
        found = larger_model(self.curve, self.end, float(self.forecast.loss), flops, self.law, self.siblings)
        if found is None or found.own:
            return found
        law = self.law_to_quote
        return found if law is not None and quotable(law, found.params, found.loss) else None

    def options(self) -> tuple[Option, ...]:
        """Everything that is open to this run, best gain for its cost first."""
        found: list[Option | None] = [self.continuing, self.as_much_again, self.decaying]
        if self.repetition is not None:
            found += options.other_data(self.continuing, self.now, self.repetition, self.economics.fresh_tokens)
        if self.larger is not None:
            found.append(options.growing(self.larger, self.now))
        return options.ranked(found)
