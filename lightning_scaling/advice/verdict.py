"""What can be done with a run, why, and whether more data is worth it: enums whose text is the message."""

from lightning_scaling.outcome import Outcome


class Verdict(Outcome):
    """What to do with a run now. The name STOP means: end this run now, whatever the reason."""

    TOO_EARLY = "too early to say"
    CONTINUE = "continue as planned"
    CONTINUE_PAST_PLAN = "continue past the token budget"
    DECAY_NOW = "decay the learning rate now"
    STOP = "stop"
    FRESH_DATA = "bring fresh data rather than another epoch"
    GROW = "grow the model"
    INVESTIGATE = "investigate"


class Reason(Outcome):
    """Why; one verdict can have several reasons (STOP: a plateau, or overfitting)."""

    FEW_POINTS = "too few losses have been logged to separate a trend from noise"
    WARMING_UP = "the learning rate is still warming up"
    UNSURE = "the loss cannot be extrapolated yet"
    DECAY_TO_COME = "the learning rate has still to fall, and the largest drop comes with it"
    STILL_GAINING = "the loss still falls by more than it costs"
    PLAN_TOO_SHORT = "the token budget ends while more tokens are still worth their compute"
    TARGET_PAST_PLAN = "the target loss lies past the end of the token budget"
    DECAY_PAYS = "the rest of the token budget gains most as a decay of the learning rate"
    FLAT_AT_THIS_RATE = "the loss has reached a plateau at this learning rate; a decay still lowers it"
    TARGET_REACHED = "the target loss has been reached"
    NOTHING_LEFT = "the loss has reached a plateau: what remains to be gained is not worth its compute"
    OVERFITTING = "the loss has turned up on repeated data"
    TURNED_UP = "the loss has turned up beyond its noise and is not expected to come back"
    REPETITION = "another pass over the same data is worth much less than fresh data"
    LARGER_MODEL = "a larger model reaches a lower loss for the same compute"
    NOT_FINITE = "the last losses are not finite"
    DIVERGING = "the loss has risen above its start, or has lost most of what it had gained"
    UNSTABLE = "the loss swings widely: the learning rate is probably far too high"
    LEFT_FAMILY = "the run has departed from its family: its siblings did not do so"
    SPIKE = "the loss has jumped far beyond its noise and has not come back"


class AddData(Outcome):
    """Keep adding data to this model? LLaMA's question, answered about the next doubling of its tokens."""

    YES = "keep adding data: the next doubling is worth its compute"
    NO = "do not add data to this model: the next doubling is not worth its compute"
    NOT_KNOWN = "not known yet whether more data is worth its compute"
