"""The order in which evidence speaks: what is broken first, then what has turned up, then what would pay more, then the plan.

Each rule returns its finding or None; the first finding is the verdict. Every comparison has a margin (a probability, a multiple of the
noise) and asks for evidence that accumulates, so that one more evaluation seldom changes the answer.
"""

from collections.abc import Callable

from lightning_scaling.advice.alarms import broken, target_reached, too_early, turned_up
from lightning_scaling.advice.case import Case
from lightning_scaling.advice.finding import Finding, reach
from lightning_scaling.advice.paying import decay_pays, flat, past_plan, past_target, plan_over, repeats
from lightning_scaling.advice.verdict import Reason, Verdict
from lightning_scaling.numbers import loss, share


def as_planned(case: Case) -> Finding:
    """Nothing speaks against the plan."""
    text = f"at {share(case.progress)} of the plan the loss is {loss(case.now)} and is expected to end at {reach(case.continuing)}"
    if case.ahead.decay_to_come:
        still = f"{text}; the rate has {share(case.ahead.to_fall)} of its peak still to fall"
        return Finding(Verdict.CONTINUE, Reason.DECAY_TO_COME, still, case.level)
    return Finding(Verdict.CONTINUE, Reason.STILL_GAINING, text, 1 - case.plateau.chance)


RULES: tuple[Callable[[Case], Finding | None], ...] = (
    broken,
    too_early,
    turned_up,
    target_reached,
    flat,
    decay_pays,
    repeats,
    past_target,
    past_plan,
    plan_over,
    as_planned,
)


def judge(case: Case) -> Finding:
    """The first rule that finds something."""
    return next(found for rule in RULES if (found := rule(case)) is not None)
