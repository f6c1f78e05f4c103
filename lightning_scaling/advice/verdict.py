"""What a run can be told to do, and why: enums whose text is the message."""

from lightning_scaling.outcome import Outcome


class Verdict(Outcome):
    """What to do with a run now. The name STOP means: end this run now, whatever the reason."""

    TOO_EARLY = "too early to say"
    CONTINUE = "continue as planned"
    CONTINUE_PAST_PLAN = "continue past the plan"
    DECAY_NOW = "decay the learning rate now"
    STOP = "stop"
    FRESH_DATA = "bring fresh data rather than another epoch"
    GROW = "grow the model"
    INVESTIGATE = "investigate"


class Reason(Outcome):
    """Why; one verdict can have several reasons (STOP: nothing left, or over-fitting)."""

    FEW_POINTS = "too few losses have been logged to tell a trend from noise"
    WARMING_UP = "the learning rate is still warming up"
    UNSURE = "the forecast's interval is wider than all that has been gained lately"
    DECAY_TO_COME = "the learning rate has still to fall, and the largest drop comes with it"
    STILL_GAINING = "the loss still falls by more than it costs"
    PLAN_TOO_SHORT = "the plan ends while more tokens still pay"
    TARGET_PAST_PLAN = "the target loss lies past the end of the plan"
    DECAY_PAYS = "what is left of the plan buys most as a decay of the learning rate"
    FLAT_AT_THIS_RATE = "at this learning rate nothing is left, a decay still brings something"
    TARGET_REACHED = "the target loss has been reached"
    NOTHING_LEFT = "what is still to be gained is not worth its compute"
    OVERFITTING = "the loss has turned up on repeated data"
    TURNED_UP = "the loss has turned up beyond its noise and no decay is left that could undo it"
    REPETITION = "another pass over the same data is worth much less than fresh data"
    LARGER_MODEL = "a larger model reaches a lower loss for the same compute"
    NOT_FINITE = "the last losses are not finite"
    DIVERGING = "the loss has climbed back most of what it had gained"
    SPIKE = "the loss has jumped far beyond its noise and has not come back"
