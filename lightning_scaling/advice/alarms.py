"""Rules that look at what has happened: too little to say, something broken, a loss that has turned up, a target that is reached."""

import numpy as np
from scipy.special import ndtr

from lightning_scaling.advice.case import FEWEST, Case
from lightning_scaling.advice.finding import Finding
from lightning_scaling.advice.trouble import trouble
from lightning_scaling.advice.verdict import Reason, Verdict
from lightning_scaling.numbers import count, loss, share

FEWEST_STRETCHES = 8  # hundredths of the plan


def broken(case: Case) -> Finding | None:
    """Losses that are not finite, a jump or a climb that has not come back."""
    found = trouble(case.curve, case.seen, case.turn, case.turned_up)
    if found is None:
        return None
    return Finding(Verdict.INVESTIGATE, found[0], f"{found[1]}: look at the data and the rate, or go back to a checkpoint", 0.99)


def too_early(case: Case) -> Finding | None:
    """Nothing is said before the trend is known."""
    points = int(np.isfinite(case.curve.loss).sum())
    if case.ahead.warming:
        return Finding(Verdict.TOO_EARLY, Reason.WARMING_UP, f"the rate has reached {share(case.ahead.rate)} of its peak")
    if points < FEWEST or len(case.seen) < FEWEST_STRETCHES:
        return Finding(Verdict.TOO_EARLY, Reason.FEW_POINTS, f"{points} losses over {share(case.progress)} of the plan: wait for more")
    if not np.isfinite(case.forecast.loss):
        return Finding(Verdict.TOO_EARLY, Reason.UNSURE, str(case.forecast.outcome))
    return None


def turned_up(case: Case) -> Finding | None:
    """The loss rises and nothing that is planned will bring it back."""
    if not case.turned_up:
        return None
    turn, epochs = case.turn, case.epochs
    where = f"the loss lies {share(turn.rise)} above its best at {count(turn.since)} tokens"
    text = f"{where} and climbs ({turn.score:.3g} standard deviations of its noise)"
    sure = float(ndtr(turn.score))
    if epochs is not None and epochs > 1:
        return Finding(
            Verdict.STOP, Reason.OVERFITTING, f"{text}, after {epochs:.1f} passes over the data: keep the checkpoint of the best", sure
        )
    return Finding(Verdict.STOP, Reason.TURNED_UP, f"{text}: keep the checkpoint of the best", sure)


def target_reached(case: Case) -> Finding | None:
    """The loss the model is for has been reached, beyond noise."""
    target = case.economics.target_loss
    if target is None or case.now > target - 2 * float(case.forecast.noise) * abs(case.now):
        return None
    return Finding(Verdict.STOP, Reason.TARGET_REACHED, f"the loss is {loss(case.now)}, the target {loss(target)}", 0.97)
