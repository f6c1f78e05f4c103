"""Rules about what has been observed: too few losses, a run that is broken, a loss that has turned up, a target that is reached."""

import numpy as np
from scipy.special import ndtr

from lightning_scaling.advice.decision import Decision
from lightning_scaling.advice.divergence import divergence
from lightning_scaling.advice.evidence import FEWEST, Evidence
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
        text = f"{points} losses over {share(run.progress)} of the token budget: wait for more"
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
    text = f"{where} and climbs ({score} standard deviations of its noise); {_decay(run)}"
    sure = float(ndtr(turn.score))
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
