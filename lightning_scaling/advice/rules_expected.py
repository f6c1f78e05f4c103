"""Rules about what is expected: a plateau, a decay that gains more, fresh data, more than the token budget, another size."""

import numpy as np

from lightning_scaling.advice.evidence import Evidence
from lightning_scaling.advice.growing import Larger
from lightning_scaling.advice.plateau import Plateau, gained
from lightning_scaling.advice.published_range import outside
from lightning_scaling.advice.repetition import POOR
from lightning_scaling.advice.result import Decision, reach
from lightning_scaling.advice.serving import Trade, trade
from lightning_scaling.advice.verdict import Reason, Verdict
from lightning_scaling.numbers import count, loss, loss_interval, scientific, share

LAST_FIFTH = 0.2  # of the token budget: the decay of WSD and of cooled-down constant runs
AT_THE_END = 0.97  # of the token budget: what is left is finished, and the question becomes what comes next
HALF_WAY = 0.5
EARLIEST_DECAY = 0.2  # of the token budget: a decay ends the run, which is not advised on its first steps
LIKELY = 0.6  # probability from which another schedule or budget is recommended; ending a run asks for more
SOON = 0.1  # of the tokens so far: a scheduled decay nearer than this is waited for


def flat(run: Evidence) -> Decision | None:
    """A plateau at this rate: decay if a decay is to be had, else grow if that is known to help, else stop."""
    if run.plateau_call is None:
        return None
    rest, cooled, larger = run.plateau, run.decaying, run.larger
    left = f"until {count(rest.until)} {run.unit} {_gained(rest)}"
    if cooled is not None and not run.now - cooled.low <= rest.threshold * abs(run.now):  # a decay without an interval may still help
        return _decay_at_plateau(run, left)
    if larger is not None and larger.own and larger.high < run.forecast.loss * (1 - run.economics.worth):
        return Decision(Verdict.GROW, Reason.LARGER_MODEL, f"{left}; {_of(larger, run)}", rest.chance)
    return Decision(Verdict.STOP, Reason.NOTHING_LEFT, f"{left}; {_no_decay(run)}", rest.chance)


def _decay_at_plateau(run: Evidence, left: str) -> Decision | None:
    """DECAY_NOW, but not in the first fifth of the budget: a decay ends the run."""
    if run.progress < EARLIEST_DECAY or run.decaying is None:
        return None
    text = f"{left}; {run.decaying.what} and it is expected to end at {reach(run.decaying)}"
    return Decision(Verdict.DECAY_NOW, Reason.FLAT_AT_THIS_RATE, text, run.plateau.chance)


def _no_decay(run: Evidence) -> str:
    """Why no decay of the rate changes that; "none is left" only where that is known."""
    if run.annealing.schedule_free:
        return "a schedule-free optimiser needs no decay"
    if run.decaying is not None:
        return f"a decay from here is expected to end at {reach(run.decaying)}, no lower"
    return "no decay of the rate is left" if run.annealing.over else "its learning-rate schedule is not known"


def not_extrapolated(run: Evidence) -> Decision | None:
    """A forecast without an interval supports no decision about the future."""
    if run.extrapolated:
        return None
    text = f"at {share(run.progress)} of the token budget the loss is {loss(run.now)}; {run.forecast.outcome}"
    return Decision(Verdict.TOO_EARLY, Reason.UNSURE, text)


def decay_pays(run: Evidence) -> Decision | None:
    """A rate that was never scheduled to fall, in the last fifth of its budget; or a stable phase that brings nothing more."""
    if run.annealing.undecayed and run.annealing.decay_to_come:
        return _stable_phase_is_over(run)
    if run.budget - run.tokens > LAST_FIFTH * run.budget or (cooled := run.decaying) is None:
        return None
    chance = cooled.chance_below(run.continuing.loss)
    if not chance >= LIKELY:
        return None
    text = f"{cooled.what} and it is expected to end at {reach(cooled)}; without a decay at {reach(run.continuing)}"
    return Decision(Verdict.DECAY_NOW, Reason.DECAY_PAYS, text, chance)


def repeats(run: Evidence) -> Decision | None:
    """The next pass is worth too little against text that has not been seen."""
    state = run.repetition
    if state is None or not run.economics.fresh_tokens or state.worth >= POOR:
        return None
    worth = f"the next token is worth {share(state.worth)} of a fresh one, {share(state.rest_worth)} over the rest of the budget"
    return Decision(Verdict.FRESH_DATA, Reason.REPETITION, f"after {state.epochs:.1f} passes {worth}", 0.9)


def past_target(run: Evidence) -> Decision | None:
    """A target that the budget does not reach: continue past it, or grow, whichever is cheaper over the model's life."""
    target = run.economics.target_loss
    if target is None or run.progress < HALF_WAY or run.forecast.probability_below(target) > 1 - run.economics.probability:
        return None
    short = f"the token budget ends at {reach(run.continuing)}, the target is {loss(target)}"
    if (lived := _by_life(run, target, short)) is not None:
        return lived
    again = run.as_much_again
    if not again.loss <= target:
        return None
    text = f"{short}; {again.what} and it is expected to reach {reach(again)}"
    return Decision(Verdict.CONTINUE_PAST_PLAN, Reason.TARGET_PAST_PLAN, text, 0.5)


def past_plan(run: Evidence) -> Decision | None:
    """At the end of the budget: is as much compute again worth it, here or in a larger model?"""
    if run.progress < AT_THE_END:
        return None
    again, end, worth, larger = run.as_much_again, float(run.forecast.loss), run.economics.worth, run.larger
    if larger is not None and larger.own and larger.high < min(again.loss, end * (1 - worth)):
        return Decision(Verdict.GROW, Reason.LARGER_MODEL, f"{_of(larger, run)}; as much again here ends at {reach(again)}", run.level)
    gain, chance = (end - again.loss) / (abs(end) or 1.0), again.chance_below(end)
    if not (gain >= worth and chance >= LIKELY):
        return None
    text = f"as much again would end {share(gain)} lower, at {reach(again)}; {again.what}"
    return Decision(Verdict.CONTINUE_PAST_PLAN, Reason.PLAN_TOO_SHORT, text, chance)


def plan_over(run: Evidence) -> Decision | None:
    """The budget is spent and nothing that could follow is worth it."""
    if run.progress < 1:
        return None
    again = run.as_much_again
    worth = run.economics.worth
    text = f"the token budget is spent at {loss(run.now)}; as much again would end at {reach(again)}, not surely {share(worth)} lower"
    chance = again.chance_below(run.now - worth * abs(run.now))
    return Decision(Verdict.STOP, Reason.NOTHING_LEFT, text, 1 - chance if chance == chance else 0.5)


def _stable_phase_is_over(run: Evidence) -> Decision | None:
    """A scheduled decay that could as well begin now, because nothing is gained until then."""
    starts = run.annealing.decays_at
    if run.progress < EARLIEST_DECAY or starts is None or starts - run.tokens <= SOON * run.tokens:
        return None
    if not run.flat_until_decay or run.decaying is None:
        return None
    stable, cooled = run.until_decay, run.decaying
    text = f"until the scheduled decay at {count(starts)} {run.unit} {_gained(stable)}: {cooled.what} now"
    return Decision(Verdict.DECAY_NOW, Reason.FLAT_AT_THIS_RATE, text, stable.chance)


def _gained(rest: Plateau) -> str:
    fall = f"the loss is expected to fall by {gained(rest.gain)}"
    return f"{fall}, with probability {rest.chance:.2f} by less than the {share(rest.threshold)} that count"


def _by_life(run: Evidence, target: float, short: str) -> Decision | None:
    """Training on against growing, with what serving costs; None where the law given knows no such loss."""
    served = run.economics.tokens_served
    try:
        weighed = trade(run.curve, run.now, target, served, run.law) if run.law is not None else None
    except ValueError:
        weighed = None
    if weighed is None:
        return None
    text = f"{short}; {_costs(weighed, served)}{outside(run.law, run.curve.params, target, run.unit)}"
    if weighed.keep:
        return Decision(Verdict.CONTINUE_PAST_PLAN, Reason.TARGET_PAST_PLAN, text, 0.8)
    return Decision(Verdict.GROW, Reason.LARGER_MODEL, text, 0.8)


def _costs(weighed: Trade, served: float) -> str:
    here = f"training on to {count(weighed.keep_tokens)} tokens and serving {count(served)} costs {scientific(weighed.keep_flops)} FLOPs"
    if not np.isfinite(weighed.keep_tokens):
        here = "this model never reaches it"
    there = f"{count(weighed.grow_params)} parameters on {count(weighed.grow_tokens)} tokens cost {scientific(weighed.grow_flops)}"
    return f"{here}, {there}; they break even at {count(weighed.break_even)} served tokens"


def _of(larger: Larger, run: Evidence) -> str:
    reached = loss_interval(larger.loss, larger.low, larger.high)
    beyond = outside(run.law, run.curve.params, larger.loss, run.unit)
    return f"{count(larger.params)} parameters reach {reached} for the compute of the budget ({larger.basis}{beyond})"
