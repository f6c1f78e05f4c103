"""All that is known of a run when it is judged: read once, then asked by every rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lightning_scaling.advice import options
from lightning_scaling.advice.annealing import RemainingAnnealing, fallen_since, raised_since, remaining_annealing
from lightning_scaling.advice.bins import Bins, binned
from lightning_scaling.advice.economics import Economics
from lightning_scaling.advice.family import FamilyReading, read_family
from lightning_scaling.advice.gain import Gain, noise_at_this_rate, remaining_gain
from lightning_scaling.advice.growing import DEFAULT, Larger, as_law, larger_model
from lightning_scaling.advice.overfitting import TurnUp, turn_up
from lightning_scaling.advice.plateau import AGREES, Horizon, Plateau, PlateauCall, flatness, forecast_gain, horizon_of, plateau
from lightning_scaling.advice.published_range import quotable
from lightning_scaling.advice.repetition import Repetition, repetition
from lightning_scaling.advice.result import Option
from lightning_scaling.forecasting import Forecast
from lightning_scaling.forecasting import forecast as forecast_of
from lightning_scaling.laws.capabilities import AllocationLaw
from lightning_scaling.run.curve import Curve
from lightning_scaling.units import training_flops

FEWEST = 12  # losses; the forecast asks for as many
FEWEST_BINS = 6
HELD = 0.1  # of the tokens so far, over which a plateau must have held
HELD_DECAYED = 0.05  # the same after a known decay
HELD_UNKNOWN = 0.25  # the same where no schedule is known: plateaus of PINNs end
SHARED = 1.5  # times its deviation: the forecast was made from the same losses
FELL = 0.2  # of the peak: a fall of the rate whose bend would count as noise
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
    law: AllocationLaw | None
    economics: Economics
    level: float
    given: Forecast | None = None
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
        left = self.annealing
        if self.turn.expected(self.epochs) or not left.decay_to_come or self.turn.lasts:
            return True
        return self.extrapolated and bool(self.forecast.loss > self.seen.smooth[self.seen.best])

    @cached_property
    def forecast(self) -> Forecast:
        """At the end of the budget; the one the caller has made, if it was given."""
        return self.given if self.given is not None else forecast_of(self.curve, at=self.end, siblings=self.siblings, level=self.level)

    @property
    def extrapolated(self) -> bool:
        """Whether the forecast has a loss and an interval."""
        return bool(np.isfinite([self.forecast.loss, self.forecast.low, self.forecast.high]).all())

    @cached_property
    def nearby(self) -> Forecast:
        """At three places: here (the level without its noise), at the horizon of a plateau, and where the decay begins."""
        decay = self.annealing.decays_at or self.end
        at = [self.tokens, horizon_of(self.tokens, self.budget), max(decay, self.tokens)]
        return forecast_of(self.curve, at=np.array(at), siblings=self.siblings, level=self.level, token_budget=self.end)

    @cached_property
    def now(self) -> float:
        """The level of the loss here."""
        level = float(self.nearby.loss[0])
        return level if np.isfinite(level) else float(np.median(self.seen.loss[-3:]))

    @cached_property
    def plateau(self) -> Plateau:
        """Over the rest of the budget."""
        return self._plateau(1, at_this_rate=not self.annealing.decay_to_come)

    @cached_property
    def until_decay(self) -> Plateau:
        """Until the scheduled decay begins."""
        return self._plateau(2, at_this_rate=True)

    @cached_property
    def stays_flat(self) -> bool:
        """A plateau that was one some tokens ago too: one flat evaluation proves nothing."""
        return self.plateau.called and self._was_flat(self.plateau)

    @cached_property
    def flat_until_decay(self) -> bool:
        """The same for the stable phase."""
        return self.until_decay.called and self._was_flat(self.until_decay)

    @cached_property
    def plateau_call(self) -> PlateauCall | None:
        """The plateau that is flagged: not while a decay is to come, and all but certain where the schedule is not known."""
        if not self.stays_flat or (not self.annealing.known and self.plateau.chance < UNKNOWN_SCHEDULE):
            return None
        left = self.plateau.until - self.tokens
        rest = self.plateau.until <= self.budget
        return PlateauCall(self.tokens, self.plateau.gain, self.plateau.high, left, self.cost(left), self.unit, rest)

    def _plateau(self, index: int, at_this_rate: bool) -> Plateau:
        until = float(self.nearby.at[index])
        horizon = Horizon(until, self.now, forecast_gain(self.nearby, index), self.level)
        curve = self._gain(self.seen, until, index) if at_this_rate else None
        return plateau(horizon, curve, self.seen.noise, self.economics)

    def _was_flat(self, found: Plateau) -> bool:
        """Whether the curve showed the same plateau when it was HELD shorter."""
        held = HELD_UNKNOWN
        if self.annealing.known:
            held = HELD_DECAYED if self.annealing.decayed else HELD
        before = self.seen.until((1 - held) * self.tokens)
        if len(before) < FEWEST_BINS:
            return False
        index = 1 if found is self.plateau else 2
        until = horizon_of(float(before.tokens[-1]), self.budget) if index == 1 else found.until
        needed = self.economics.probability if self.annealing.known else UNKNOWN_SCHEDULE
        chance, late = flatness(self._gain(before, until, index), found.threshold * (abs(self.now) or 1.0))
        return chance >= needed and max(found.late, late) >= AGREES

    def _gain(self, seen: Bins, until: float, index: int) -> tuple[Gain, Gain] | None:
        """By all bins since the rate settled, and by the later half; where the rate has stayed at its peak, with the forecast's view.

        The forecast there has seen nothing but this rate. After a decay it expects a slow response to it: that is left to its veto.
        """
        found = None if until <= seen.tokens[-1] else remaining_gain(seen, self.annealing.settled, until, self._noise)
        if found is None or not self.annealing.known or self.annealing.decayed:
            return found
        expected, deviation = forecast_gain(self.nearby, index)
        return found[0].given(expected, SHARED * deviation), found[1].given(expected, SHARED * deviation)

    @cached_property
    def _noise(self) -> float:
        """Standard deviation of a bin that counts when several are averaged."""
        fallen = fallen_since(self.curve, float(self.seen.tokens[len(self.seen) // 3])) > FELL
        return noise_at_this_rate(self.seen, self.annealing.settled, fallen)

    @cached_property
    def family(self) -> FamilyReading | None:
        """The run against its siblings at equal share of the budget; None without siblings."""
        return read_family(self.curve, self.end, self.siblings)

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
    def law_to_quote(self) -> AllocationLaw | None:
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
