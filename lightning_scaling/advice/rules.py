"""The order in which rules are asked: what is broken first, then a loss that turned up, then what would gain more, then the run as planned.

Each rule returns its decision or None; the first decision is the verdict. Every comparison has a margin (a probability, a multiple of the
noise) and asks for evidence that accumulates, so that one more evaluation seldom changes the answer.
"""

from collections.abc import Callable

from lightning_scaling.advice.decision import Decision, reach
from lightning_scaling.advice.evidence import Evidence
from lightning_scaling.advice.rules_expected import decay_pays, flat, not_extrapolated, past_plan, past_target, plan_over, repeats
from lightning_scaling.advice.rules_observed import broken, departs, target_reached, too_early, turned_up
from lightning_scaling.advice.verdict import Reason, Verdict
from lightning_scaling.numbers import loss, share


def as_planned(run: Evidence) -> Decision:
    """Nothing speaks against the run as planned."""
    text = f"at {share(run.progress)} of the token budget the loss is {loss(run.now)} and is expected to end at {reach(run.continuing)}"
    if run.annealing.decay_to_come:
        still = f"{text}; the rate has {share(run.annealing.to_fall)} of its peak still to fall"
        return Decision(Verdict.CONTINUE, Reason.DECAY_TO_COME, still, run.level)
    if run.annealing.schedule_free:
        text = f"{text}; a schedule-free optimiser needs no decay"
    return Decision(Verdict.CONTINUE, Reason.STILL_GAINING, text, 1 - run.plateau.chance)


RULES: tuple[Callable[[Evidence], Decision | None], ...] = (
    broken,
    departs,
    too_early,
    turned_up,
    target_reached,
    flat,
    repeats,
    not_extrapolated,
    decay_pays,
    past_target,
    past_plan,
    plan_over,
    as_planned,
)


def decide(run: Evidence) -> Decision:
    """The decision of the first rule that applies."""
    return next(found for rule in RULES if (found := rule(run)) is not None)
