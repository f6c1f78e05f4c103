"""Keep adding data to this model? What the next doubling of its tokens would bring and cost, and how far its size is from the optimum.

LLaMA (Touvron et al. 2023) trained a 7B model far beyond the compute-optimal ratio because it kept improving and is cheaper to serve. The
answer compares the end of the token budget with twice that budget, each with its learning-rate decay done. Between the two most of the
forecast's error is shared, so the error of the gain is taken as what the second adds to the first, in quadrature.
"""

import numpy as np
from scipy.special import ndtr

from lightning_scaling.advice.evidence import Evidence
from lightning_scaling.advice.growing import allocation
from lightning_scaling.advice.published_range import quotable
from lightning_scaling.advice.repetition import repetition
from lightning_scaling.advice.result import Decision
from lightning_scaling.advice.serving import Trade, trade
from lightning_scaling.advice.verdict import AddData, Reason, Verdict
from lightning_scaling.numbers import between, compute, count, loss, loss_interval, scientific, share
from lightning_scaling.units import pf_days

SURE = 0.75  # probability of a gain that counts from which the answer is YES; below one minus this it is NO
SHARED = 0.3  # of its own error, the least that the gain of a doubling is off by
FIXED = {
    Reason.OVERFITTING: "the loss has turned up on data it has seen",
    Reason.TURNED_UP: "the loss has turned up",
    Reason.TARGET_REACHED: "the target loss has been reached",
    Reason.NOTHING_LEFT: "the loss has reached a plateau",
}


def add_data(run: Evidence, decision: Decision) -> tuple[AddData, str]:
    """The answer and its sentence; never against the verdict of the same advice."""
    if decision.verdict in (Verdict.TOO_EARLY, Verdict.INVESTIGATE):
        return AddData.NOT_KNOWN, f"{decision.reason}: ask again when the run has a trend"
    if not np.isfinite(run.as_much_again.low) or not np.isfinite(run.forecast.low):
        if decision.reason in FIXED:
            return AddData.NO, FIXED[decision.reason]
        return AddData.NOT_KNOWN, "the loss at twice the budget cannot be extrapolated yet"
    answer, because = _of_doubling(run)
    if decision.reason in FIXED:
        answer, because = AddData.NO, f"{FIXED[decision.reason]}; {because}"
    elif decision.verdict is Verdict.GROW:
        answer, because = AddData.NO, f"a larger model gains more for the same compute; {because}"
    elif decision.verdict is Verdict.CONTINUE_PAST_PLAN:
        answer = AddData.YES
    return answer, "; ".join(each for each in (because, _repeats(run), _ratio(run), _served(run)) if each)


def _of_doubling(run: Evidence) -> tuple[AddData, str]:
    """Whether the loss at twice the budget lies lower by what counts, fresh data where that can be had."""
    end, again, worth = run.continuing, run.as_much_again, run.economics.worth
    scale = abs(end.loss) or 1.0
    first, second = end.spread(above=False), again.spread(above=True)
    error = max(abs(second**2 - first**2) ** 0.5, SHARED * second) / scale
    gain = (end.loss - again.loss) / scale * (1 / max(_worth(run), 0.02) if run.economics.fresh_tokens else 1.0)
    chance = float(ndtr((gain - worth) / error))
    answer = AddData.YES if chance >= SURE else AddData.NO if chance <= 1 - SURE else AddData.NOT_KNOWN
    more = run.cost(run.end)
    cost = "" if more is None else f" for {scientific(more)} FLOPs ({compute(pf_days(more))} PF-days)"
    reached = loss_interval(again.loss, again.low, again.high)
    ends = f"{count(2 * run.end)} {run.unit} are expected to end at {reached}, {count(run.end)} at {loss(end.loss)}"
    change = f"{share(gain)} lower" if gain >= 0 else "not lower"
    return answer, f"{ends}: {change}{cost}, where {share(worth)} counts"


def _worth(run: Evidence) -> float:
    """Of the second half of those tokens, as a share of fresh ones."""
    unique = run.curve.unique_tokens
    return 1.0 if unique is None else repetition(run.end, 2 * run.end, unique).rest_worth


def _repeats(run: Evidence) -> str:
    if (worth := _worth(run)) > 0.95:
        return ""
    how = "the gain is that of fresh data" if run.economics.fresh_tokens else "no fresh data can be had"
    return f"repeated {run.unit} would be worth {share(worth)} of fresh ones: {how}"


def _ratio(run: Evidence) -> str:
    """Tokens per parameter beside the compute-optimal ratio, by whose law."""
    if run.curve.params is None or run.unit != "tokens":
        return ""
    mine = f"{count(run.end / run.curve.params)} tokens per parameter at the end of the budget"
    law = run.law_to_quote
    if law is None:
        return f"{mine}, and no law for a run of this size and loss: give three finished siblings or a law to compare"
    facts = allocation(run.curve, run.end, law)
    if "best_tokens_per_param" not in facts:
        return mine
    interval = facts.get("best_tokens_per_param_interval")
    best = count(facts["best_tokens_per_param"])
    if interval is not None:
        best = f"{best} ({between(interval[0], interval[1], count)})"
    return f"{mine}, {best} is compute-optimal by {facts['law']}"


def _served(run: Evidence) -> str:
    """Where this model, trained longer, is cheaper over its life than a larger one."""
    served, law = run.economics.tokens_served, run.law_to_quote
    if not served or law is None or run.curve.params is None:
        return ""
    target = run.economics.target_loss if run.economics.target_loss is not None else run.as_much_again.loss
    if not quotable(law, run.curve.params, target, run.unit):
        return ""
    try:
        return _break_even(trade(run.curve, run.now, target, served, law), target, served)
    except ValueError:
        return ""


def _break_even(found: Trade, target: float, served: float) -> str:
    if not np.isfinite(found.keep_tokens):
        return f"this size never reaches {loss(target)} by the law"
    here = f"training this model on and serving it costs {scientific(found.keep_flops)} FLOPs"
    there = f"a model of {count(found.grow_params)} parameters on {count(found.grow_tokens)} tokens {scientific(found.grow_flops)}"
    return f"to reach {loss(target)} and serve {count(served)} tokens, {here}, {there}; {_from(found)}"


def _from(found: Trade) -> str:
    """Where this model is cheaper than the one that is cheapest to train."""
    if found.break_even == 0:
        return "against the compute-optimal size this one is cheaper however much is served"
    if not np.isfinite(found.break_even):
        return "the compute-optimal size is cheaper however much is served"
    return f"against the compute-optimal size this one breaks even at {count(found.break_even)} served tokens"
