"""What a forecast says of itself."""

from lightning_scaling.outcome import Outcome


class ForecastOutcome(Outcome):
    """How the forecast was come by, or why there is none."""

    FORECAST = "forecast from the run's own curve and profile"
    SEEN = "the run has already passed that point: this is the curve itself, smoothed"
    DECAY_UNSEEN_SIBLINGS = "the learning rate has still to fall: the size of that drop is carried over from finished runs of the family"
    DECAY_UNSEEN_PRIOR = "the learning rate has still to fall and no finished run says how much that helps: the drop is a general prior's"
    NO_SCHEDULE = (
        "no learning-rate profile is known: if the rate falls before the end, the loss ends lower than the middle of this forecast"
    )
    PLAN_ENDS = "the learning-rate profile ends before that point: its last rate is taken to stay"
    TOO_FEW_POINTS = "fewer than six points after warm-up: this is the last level, and the interval says that little is known"
    WARMUP = "the learning rate is still warming up: this is the last level, and the interval says that little is known"
    NOT_FINITE = "no finite loss has been logged"
    TURNS_UP = "the loss has turned up beyond its noise (repeated data, or too high a rate): no decaying law describes it"
    DIVERGED = "the last losses are not finite, or lie above where the curve began: the run has diverged"
