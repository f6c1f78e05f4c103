"""Rules about what has been observed, and the order in which all rules are asked.

What is broken comes first, then a loss that turned up, then what would gain more, then the run as planned. Each rule returns its decision
or None; the first decision is the verdict. Every comparison has a margin (a probability, a multiple of the noise) and asks for evidence
that accumulates, so that one more evaluation seldom changes the answer.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr

from lightning_scaling.advice.divergence import divergence
from lightning_scaling.advice.evidence import FEWEST, Evidence
from lightning_scaling.advice.result import Decision, reach
from lightning_scaling.advice.rules_expected import decay_pays, flat, not_extrapolated, past_plan, past_target, plan_over, repeats
from lightning_scaling.advice.verdict import Reason, Verdict
from lightning_scaling.numbers import count, loss, share

FEWEST_BINS = 8  # hundredths of the token budget
MOST_SCORE = 20.0  # standard deviations beyond which a score has no digits worth printing


def broken(run: Evidence) -> Decision | None:
    """Losses that are not finite, a loss that swings, jumped or climbed and has not come back."""
    found = divergence(run.curve, run.seen, run.turn, run.turned_up, run.unit)
    if found is None:
        return None
    return Decision(Verdict.INVESTIGATE, found[0], f"{found[1]}: look at the data and the rate, or go back to a checkpoint", 0.99)


def departs(run: Evidence) -> Decision | None:
    """The run leaves its family, and it is not a loss that has turned up for good."""
    found = run.family
    if found is None or not found.departs or (len(run.seen) >= FEWEST_BINS and run.turned_up):
        return None
    text = f"{found.because}: look at what differs from its siblings (data, rate, batch, seed of the data)"
    return Decision(Verdict.INVESTIGATE, Reason.LEFT_FAMILY, text, 0.99)


def too_early(run: Evidence) -> Decision | None:
    """Nothing is decided before there is a trend."""
    points = int(np.isfinite(run.curve.loss).sum())
    if run.annealing.warming:
        return Decision(Verdict.TOO_EARLY, Reason.WARMING_UP, f"the rate has reached {share(run.annealing.rate)} of its peak")
    if points < FEWEST or len(run.seen) < FEWEST_BINS:
        text = f"{points} {'loss' if points == 1 else 'losses'} over {share(run.progress)} of the token budget: wait for more"
        return Decision(Verdict.TOO_EARLY, Reason.FEW_POINTS, text)
    if not np.isfinite(run.forecast.loss):
        return Decision(Verdict.TOO_EARLY, Reason.UNSURE, str(run.forecast.outcome))
    return None


def turned_up(run: Evidence) -> Decision | None:
    """The loss rises and nothing that is scheduled will bring it back."""
    if not run.turned_up:
        return None
    turn, epochs = run.turn, run.epochs
    where = f"the loss lies {share(turn.rise)} above its best at {count(turn.since)} {run.unit}"
    score = f"{turn.score:.1f}" if turn.score < MOST_SCORE else f"more than {MOST_SCORE:.0f}"
    how, sure = f"climbs ({score} standard deviations of its noise)", float(ndtr(turn.score))
    if turn.above_start:
        how, sure = f"has stayed above the {loss(run.seen.smooth[0])} it began with for half of the token budget", run.level
    text = f"{where} and {how}; {_decay(run)}"
    keep = "keep the checkpoint of the best"
    if epochs is not None and epochs > 1:
        return Decision(Verdict.STOP, Reason.OVERFITTING, f"{text}; {epochs:.1f} passes over the data so far: {keep}", sure)
    return Decision(Verdict.STOP, Reason.TURNED_UP, f"{text}: {keep}", sure)


def _decay(run: Evidence) -> str:
    """What is known of a decay that could undo a rise: "none is left" only where that is so."""
    left = run.annealing
    if left.decay_to_come:
        return f"the {share(left.to_fall)} of the peak that the rate has still to fall is not expected to bring it back"
    if left.over:
        return "no decay of the rate is left"
    return "its learning-rate schedule is not known" if not left.known else "no decay of the rate is scheduled"


def target_reached(run: Evidence) -> Decision | None:
    """The loss the model is for has been reached, beyond noise."""
    target = run.economics.target_loss
    if target is None or run.now > target - 2 * run.seen.noise:
        return None
    return Decision(Verdict.STOP, Reason.TARGET_REACHED, f"the loss is {loss(run.now)}, the target {loss(target)}", 0.97)


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
