"""How a forecast was made, or why there is none."""

from lightning_scaling.outcome import Outcome

_SO_FAR = (
    "the learning rate is known only up to now: the forecast averages over schedules that fit it, of which {} is the most likely; "
    "state the schedule (--schedule, or Schedule.cosine and the like) for a narrower interval"
)


class ForecastOutcome(Outcome):
    """How the forecast was made, or why there is none; `declined` marks those without an interval, whose loss is the last level."""

    FORECAST = "forecast from the run's own curve and learning-rate schedule"
    SEEN = "the run has already passed that point: this is the curve itself, smoothed"
    DECAY_UNSEEN_SIBLINGS = "the learning rate has still to fall: the size of that drop is transferred from finished runs of the family"
    DECAY_UNSEEN_PRIOR = "the learning rate has still to fall and no finished run shows how much that gains: the drop is a general prior's"
    RATE_SO_FAR_COSINE = _SO_FAR.format("a cosine")
    RATE_SO_FAR_LINEAR = _SO_FAR.format("a linear decay")
    RATE_SO_FAR_WSD = _SO_FAR.format("a constant rate with a final decay (WSD)")
    RATE_SO_FAR_INVERSE_SQRT = _SO_FAR.format("an inverse square root")
    RATE_SO_FAR_CONSTANT = _SO_FAR.format("a constant rate")
    NO_SCHEDULE = "no learning-rate schedule is known: if the rate falls before the end, the loss ends in the lower half of this interval"
    SCHEDULE_ENDS = "the learning-rate schedule ends before that point: its last rate is assumed to stay"
    MEASURED = "the learning rate has still to fall: the size of that drop was measured on an average of recent weights"
    TURNS_UP = "the loss has turned up beyond its noise (repeated data, or too high a rate): no falling law describes it"
    TOO_UNCERTAIN = "this curve cannot be extrapolated that far yet: its interval would span more than a factor of ten"
    TOO_FEW_POINTS = "there are fewer than six points after warm-up"
    WARMUP = "the learning rate is still warming up"
    DIVERGED = "the last losses are not finite, or lie above where the curve began: the run has diverged"
    NOT_FINITE = "no finite loss has been logged"

    @property
    def declined(self) -> bool:
        """Whether the curve could not be extrapolated, so that there is no interval."""
        return self.name in ("TOO_UNCERTAIN", "TOO_FEW_POINTS", "WARMUP", "DIVERGED", "NOT_FINITE")


SO_FAR = {
    "cosine to zero": ForecastOutcome.RATE_SO_FAR_COSINE,
    "cosine to a tenth": ForecastOutcome.RATE_SO_FAR_COSINE,
    "linear": ForecastOutcome.RATE_SO_FAR_LINEAR,
    "linear from here": ForecastOutcome.RATE_SO_FAR_LINEAR,
    "WSD, last tenth": ForecastOutcome.RATE_SO_FAR_WSD,
    "WSD, last fifth": ForecastOutcome.RATE_SO_FAR_WSD,
    "inverse square root": ForecastOutcome.RATE_SO_FAR_INVERSE_SQRT,
    "constant": ForecastOutcome.RATE_SO_FAR_CONSTANT,
}
