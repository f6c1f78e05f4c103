"""What a fit over sizes states about itself: its outcome, and yes or no to a question with what would change it."""

from dataclasses import dataclass

from lightning_scaling.outcome import Outcome


class SurfaceOutcome(Outcome):
    """Outcomes of `fit_surface`, worst first."""

    TOO_FEW_POINTS = "five constants need at least six runs of different size or length: add runs of other sizes and lengths"
    NO_FALL = (
        "the loss falls neither with N nor with D, so there is no law: an accuracy instead of a loss, exchanged columns, or more noise "
        "than trend; look at the largest and the smallest run"
    )
    ONE_RATIO = (
        "all runs have nearly one ratio of tokens to params, so that N and D cannot be separated: the compute law "
        "is known, the split is not; add a run with four times the tokens per parameter"
    )
    PARAMS_NOT_IDENTIFIED = "the exponent of N is not identified: add a smaller or a larger model at about the same tokens"
    TOKENS_NOT_IDENTIFIED = "the exponent of D is not identified: add a shorter or a longer run of a model size you have"
    FLOOR_AT_ZERO = (
        "the irreducible loss E cannot be distinguished from zero, so far extrapolation is not identified: add runs nearer to the floor"
    )
    STARTS_DISAGREE = "starts from the data end in different laws that fit nearly alike: the constants are not identified; add larger runs"
    FORM_MISFIT = (
        "the residuals are structured: these runs follow another form than E + A/N^alpha + B/D^beta; predict with "
        "predict_larger, which averages over forms"
    )
    IDENTIFIED = "fitted: every constant is identified by the points"


class LargerOutcome(Outcome):
    """Outcomes of `predict_larger`."""

    TOO_FEW_POINTS = "a prediction needs at least four different configurations of different compute: add runs"
    NO_FALL = "the loss falls neither with N nor with D in these runs: look for exchanged columns, or an accuracy instead of a loss"
    ONE_SIZE = "all runs have one model size and another is asked for: add a run of another size"
    ONE_LENGTH = "all runs have one number of tokens and another is asked for: add a shorter or longer run"
    ONE_RATIO = "all runs have one ratio of tokens to parameters and another is asked for: add a run off that ratio"
    INSIDE = "not larger than the runs it was fitted on: an interpolation"
    PREDICTED = "predicted from the smaller runs; the interval covers forms of the law, constants, drift and noise"
    LAWS_DISAGREE = (
        "predicted, but forms of the law that fit these runs alike differ at the target by more than its error: add a nearer run"
    )
    FAR = "farther than a hundred times the largest compute seen: the interval rests on the prior for the floor; add a larger run first"


class FrontierOutcome(Outcome):
    """Outcomes of `fit_frontier`."""

    TOO_FEW_POINTS = "a law of loss over compute needs at least three runs of different compute: add runs"
    NO_FALL = "the loss does not fall with compute: runs are crippled, mixed up or too noisy; look at the largest and smallest"
    FLOOR_NOT_IDENTIFIED = "a power law; its irreducible loss cannot be distinguished from zero with these points"
    FITTED = "a power law over an identified irreducible loss"


class HyperparameterOutcome(Outcome):
    """Outcomes of each law of `fit_hyperparameters`."""

    TOO_FEW_OPTIMA = (
        "exponents in N and D need five or more (N, D) whose sweep encloses its best value: extend grids, add sizes and lengths"
    )
    ONE_SIZE = "all sweeps have one model size: the exponent of N is not known; sweep a model four times as large"
    ONE_LENGTH = "all sweeps have one number of tokens: the exponent of D is not known; sweep a run four times as long"
    ONE_RATIO = (
        "all sweeps have one ratio of tokens to parameters: the exponent of N includes that of D and holds along this ratio only; "
        "sweep one size at four times the tokens"
    )
    EXPONENTS_OPEN = "an exponent is known to no better than ±.5: add sweeps that are farther apart in N and D, or finer ones"
    AT_EDGE = "half of the sweeps or more end before their best value, and the rest are a selection: extend those grids"
    IDENTIFIED = "fitted: both exponents are identified by the sweeps"


class TaskOutcome(Outcome):
    """Outcomes of `fit_task` and of what it predicts."""

    TOO_FEW_RUNS = "a law of score over loss needs at least five runs of different loss: add runs or checkpoints"
    AT_CHANCE = "no run has left chance level: these runs cannot predict the task; score it by the probability of the right answer instead"
    NOT_RELATED = "the score does not rise as the loss falls, beyond its noise: use the loss of the task itself, or add larger runs"
    LITTLE_SPAN = "the scores span less than a tenth of the way from chance to 1: midpoint and ceiling are open; add larger runs"
    FAR = "the loss lies farther below the lowest one seen than the runs span: the interval rests on the shape of the sigmoid"
    FITTED = "a law of score over loss; the interval covers its constants, the ceiling and the noise of a run"


class MoEOutcome(Outcome):
    """Outcomes of `fit_moe`."""

    TOO_FEW_RUNS = "six constants and the noise need at least eight runs of different active size, total size or tokens: add runs"
    ONE_RATIO = (
        "all runs have nearly one ratio of total to active parameters: what experts bring is not known; add dense runs of these sizes"
    )
    NO_DENSE_RUN = "fitted, but no run is dense: the leverage against dense models is extrapolated; add a dense run of each size"
    GAMMA_OPEN = "the exponent of total over active parameters is known to no better than ±.25: add runs of other ratios"
    IDENTIFIED = "fitted: the effective size, and so the leverage against dense models, is identified"


@dataclass(frozen=True)
class Answer:
    """True or false in an `if`; as text "yes", or "no" with the remedy.

    >>> str(Answer(False, "add a larger run")), bool(Answer(True))
    ('no: add a larger run', True)
    """

    yes: bool
    remedy: str = ""

    def __bool__(self) -> bool:
        return self.yes

    def __str__(self) -> str:
        return "yes" if self.yes else f"no: {self.remedy}"


YES = Answer(True)


def answer(yes: bool, remedy: object) -> Answer:
    """YES, or a no with the text of `remedy` (an outcome or a sentence)."""
    return YES if yes else Answer(False, str(remedy))
