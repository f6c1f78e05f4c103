"""When runs cannot predict a target at all, and the run that would change it."""

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.arrays import Floats
from lightning_scaling.laws.outcomes import LargerOutcome
from lightning_scaling.laws.points import LawPoints

FEWEST = 4
# ln N, ln D or ln(D/N) that varies by less than this cannot show what a change of it does.
SMALLEST_SPREAD = 0.1
# A target is off what the runs hold fixed when it differs by more than this factor.
OFF = np.log(1.5)


def refusal(given: LawPoints, size: Floats, length: Floats) -> tuple[LargerOutcome, str] | None:
    """The outcome and the run to add, None where a prediction is possible."""
    if len(given) < FEWEST:
        return LargerOutcome.TOO_FEW_POINTS, f"{max(FEWEST - len(given), 1)} more of other sizes and lengths are needed"
    if not given.falls:
        lowest, highest = int(np.argmin(given.flops)), int(np.argmax(given.flops))
        losses = numbers.loss(float(given.loss[lowest])), numbers.loss(float(given.loss[highest]))
        return LargerOutcome.NO_FALL, f"{losses[0]} at the least compute, {losses[1]} at the most"
    x, y = np.log(given.params), np.log(given.tokens)
    u, v = np.log(size), np.log(length)
    middle = numbers.count(float(np.exp(np.median(x)))), numbers.count(float(np.exp(np.median(y))))
    if _fixed(x, u):
        add = numbers.count(float(np.exp(np.median(x))) / 4)
        return LargerOutcome.ONE_SIZE, f"all runs have {middle[0]} parameters; add one of {add} parameters on {middle[1]} tokens"
    if _fixed(y, v):
        add = numbers.count(float(np.exp(np.median(y))) / 4)
        return LargerOutcome.ONE_LENGTH, f"all runs have {middle[1]} tokens; add one of {middle[0]} parameters on {add} tokens"
    if _fixed(y - x, v - u):
        add = numbers.count(4 * float(np.exp(np.median(y))))
        return LargerOutcome.ONE_RATIO, f"add a run of {middle[0]} parameters on {add} tokens, or ask at their ratio"
    return None


def _fixed(seen: Floats, asked: Floats) -> bool:
    return bool(seen.std() < SMALLEST_SPREAD and np.abs(asked - seen.mean()).max() > OFF)
