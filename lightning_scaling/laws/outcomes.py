"""What a fit over sizes says of itself."""

from lightning_scaling.outcome import Outcome


class SurfaceOutcome(Outcome):
    """Outcomes of `fit_surface`, worst first."""

    TOO_FEW_POINTS = "five constants need at least six runs: add runs of other sizes and lengths"
    ONE_RATIO = (
        "all runs have nearly one ratio of tokens to params, so that N and D cannot be told apart: the compute law "
        "is known, the split is not; add a run with four times the tokens per parameter"
    )
    PARAMS_NOT_IDENTIFIED = "the exponent of N is not identified: add a smaller or a larger model at about the same tokens"
    TOKENS_NOT_IDENTIFIED = "the exponent of D is not identified: add a shorter or a longer run of a model size you have"
    FLOOR_AT_ZERO = "the points want no irreducible loss (E = 0), so far extrapolation is not identified: add runs nearer to the floor"
    IDENTIFIED = "fitted: every constant is identified by the points"


class LargerOutcome(Outcome):
    """Outcomes of `predict_larger`."""

    TOO_FEW_POINTS = "a prediction needs at least four runs of different compute: add runs"
    INSIDE = "not larger than the runs it was fitted on: an interpolation"
    PREDICTED = "predicted from the smaller runs, with an interval that held on published families"
    LAWS_DISAGREE = "predicted, but the laws that fit the small runs alike disagree up there: add a run nearer to the target"
    FAR = "farther than a hundred times the largest compute seen: an outlook, not a prediction; add larger runs"


class FrontierOutcome(Outcome):
    """Outcomes of `fit_frontier`."""

    TOO_FEW_POINTS = "a law of loss over compute needs at least three runs of different compute: add runs"
    NO_FALL = "the loss does not fall with compute: runs are crippled, mixed up or too noisy; look at the largest and smallest"
    FLOOR_NOT_IDENTIFIED = "a power law; its irreducible loss cannot be told from zero with these points"
    FITTED = "a power law over an identified irreducible loss"
