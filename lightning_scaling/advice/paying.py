"""Rules that look at what is to come: nothing left at this rate, a decay, fresh data, more than the plan, another size."""

import numpy as np
from scipy.special import ndtr

from lightning_scaling.advice.case import Case
from lightning_scaling.advice.finding import Finding, reach
from lightning_scaling.advice.growing import Larger
from lightning_scaling.advice.llama import Trade, trade
from lightning_scaling.advice.plateau import Plateau, one_sided
from lightning_scaling.advice.repetition import fresh_data_pays
from lightning_scaling.advice.verdict import Reason, Verdict
from lightning_scaling.numbers import count, loss, loss_interval, share

LAST_FIFTH = 0.2  # of the plan: the decay of WSD and of cooled-down constant runs
AT_THE_END = 0.97  # of the plan: what is left is finished, and the question becomes what comes next
HALF_WAY = 0.5
UNTOLD = 0.99  # probability that a plateau needs where no plan says that no decay will come
LIKELY = 0.6  # probability from which a change of plan is recommended; ending a run asks for more
SOON = 0.1  # of the tokens so far: a planned decay nearer than this is waited for


def flat(case: Case) -> Finding | None:
    """Nothing left at this rate: decay if a decay is in hand, else grow if that is known to help, else stop."""
    if case.progress >= AT_THE_END or case.ahead.decay_to_come or not case.stays_flat:
        return None
    rest, cooled, larger = case.plateau, case.decaying, case.larger
    if not case.ahead.known and rest.chance < UNTOLD:
        return None
    left = f"until {count(rest.until)} tokens {_gained(rest)}"
    if cooled is not None and case.now - cooled.low > rest.threshold * abs(case.now):
        return Finding(Verdict.DECAY_NOW, Reason.FLAT_AT_THIS_RATE, f"{left}; {cooled.what} and it reaches {reach(cooled)}", rest.chance)
    if larger is not None and larger.own and larger.high < case.forecast.loss * (1 - case.economics.worth):
        return Finding(Verdict.GROW, Reason.LARGER_MODEL, f"{left}; {_of(larger)}", rest.chance)
    return Finding(Verdict.STOP, Reason.NOTHING_LEFT, left, rest.chance)


def decay_pays(case: Case) -> Finding | None:
    """A rate that was never planned to fall, in the last fifth of its plan; or a stable phase that brings nothing more."""
    if case.ahead.undecayed and case.ahead.decay_to_come:
        return _stable_phase_is_over(case)
    if case.planned - case.tokens > LAST_FIFTH * case.planned or (cooled := case.decaying) is None:
        return None
    chance = cooled.chance_below(case.continuing.loss)
    if chance < LIKELY:
        return None
    text = f"{cooled.what} and it ends at {reach(cooled)}; without a decay it ends at {reach(case.continuing)}"
    return Finding(Verdict.DECAY_NOW, Reason.DECAY_PAYS, text, chance)


def repeats(case: Case) -> Finding | None:
    """The next pass is worth too little against text that has not been seen."""
    state = case.repetition
    if state is None or not case.economics.fresh_tokens or not fresh_data_pays(state):
        return None
    worth = f"the next token is worth {share(state.worth)} of a fresh one, {share(state.rest_worth)} over the rest of the plan"
    return Finding(Verdict.FRESH_DATA, Reason.REPETITION, f"after {state.epochs:.1f} passes {worth}", 0.9)


def past_target(case: Case) -> Finding | None:
    """A target that the plan does not reach: go on past it, or grow, whichever is cheaper over the model's life."""
    target = case.economics.target_loss
    if target is None or case.progress < HALF_WAY or _chance_below(case, target) > 1 - case.economics.probability:
        return None
    short = f"the plan ends at {reach(case.continuing)}, the target is {loss(target)}"
    if (lived := _by_life(case, target, short)) is not None:
        return lived
    again = case.as_much_again
    if again.loss > target:
        return None
    return Finding(Verdict.CONTINUE_PAST_PLAN, Reason.TARGET_PAST_PLAN, f"{short}; {again.what} and it reaches {reach(again)}", 0.5)


def past_plan(case: Case) -> Finding | None:
    """At the end of the plan: would as much compute again still pay, here or in a larger model?"""
    if case.progress < AT_THE_END:
        return None
    again, end, worth, larger = case.as_much_again, float(case.forecast.loss), case.economics.worth, case.larger
    if larger is not None and larger.own and larger.high < min(again.loss, end * (1 - worth)):
        return Finding(Verdict.GROW, Reason.LARGER_MODEL, f"{_of(larger)}, as much again here {reach(again)}", case.level)
    gain, chance = (end - again.loss) / (abs(end) or 1.0), again.chance_below(end)
    if gain < worth or chance < LIKELY:
        return None
    text = f"as much again brings {share(gain)} ({reach(again)}): {again.what}"
    return Finding(Verdict.CONTINUE_PAST_PLAN, Reason.PLAN_TOO_SHORT, text, chance)


def plan_over(case: Case) -> Finding | None:
    """The plan is done and nothing that could follow is worth it."""
    if case.progress < 1:
        return None
    again = case.as_much_again
    worth = case.economics.worth
    text = f"the plan is done at {loss(case.now)}; as much again would end at {reach(again)}, not surely {share(worth)} lower"
    return Finding(Verdict.STOP, Reason.NOTHING_LEFT, text, 1 - again.chance_below(case.now - worth * abs(case.now)))


def _stable_phase_is_over(case: Case) -> Finding | None:
    """A planned decay that could as well begin now, because nothing is gained until then."""
    starts = case.ahead.decays_at
    if starts is None or starts - case.tokens <= SOON * case.tokens or not case.until_decay.called or case.decaying is None:
        return None
    stable, cooled = case.until_decay, case.decaying
    text = f"until the planned decay at {count(starts)} tokens {_gained(stable)}: {cooled.what} now"
    return Finding(Verdict.DECAY_NOW, Reason.FLAT_AT_THIS_RATE, text, stable.chance)


def _gained(rest: Plateau) -> str:
    fall = f"the loss falls by about {share(max(rest.gain, 0.0))}"
    return f"{fall}, with probability {rest.chance:.2f} by less than the {share(rest.threshold)} that count"


def _by_life(case: Case, target: float, short: str) -> Finding | None:
    """Training on against growing, with what serving costs; None where the law given knows no such loss."""
    served = case.economics.tokens_served
    try:
        weighed = trade(case.curve, case.now, target, served, case.law) if case.law is not None else None
    except ValueError:
        weighed = None
    if weighed is None:
        return None
    text = f"{short}; {_costs(weighed, served)}"
    if weighed.keep:
        return Finding(Verdict.CONTINUE_PAST_PLAN, Reason.TARGET_PAST_PLAN, text, 0.8)
    return Finding(Verdict.GROW, Reason.LARGER_MODEL, text, 0.8)


def _costs(weighed: Trade, served: float) -> str:
    here = f"training on to {count(weighed.keep_tokens)} tokens and serving {count(served)} costs {weighed.keep_flops:.3g} FLOPs"
    if not np.isfinite(weighed.keep_tokens):
        here = "this model never gets there"
    there = f"{count(weighed.grow_params)} parameters on {count(weighed.grow_tokens)} tokens cost {weighed.grow_flops:.3g}"
    return f"{here}, {there}; they break even at {count(weighed.break_even)} served tokens"


def _chance_below(case: Case, target: float) -> float:
    end = float(case.forecast.loss)
    return float(ndtr((target - end) / one_sided(end, float(case.forecast.low), case.forecast)))


def _of(larger: Larger) -> str:
    reached = loss_interval(larger.loss, larger.low, larger.high)
    return f"{count(larger.params)} parameters reach {reached} for the compute of the plan ({larger.basis})"
