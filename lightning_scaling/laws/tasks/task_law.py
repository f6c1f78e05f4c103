"""From loss to a task's score: a sigmoid for accuracies, a line for log-probabilities, with the spread of every law that fits.

The second of two steps that Llama 3 2024 (arXiv 2407.21783) and the OLMo ladder (Bhagia et al. 2024, arXiv 2412.04403) take to predict a
task: accuracy = floor + (ceiling − floor)·sigmoid(steepness·(midpoint − loss)). The loss may be that of the task itself (bits per byte of
the right answers), which fits better, or of a validation set. Instead of one fit, all laws on a grid are weighed by how well they fit:
the ceiling is seldom seen, and the interval must hold that.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from lightning_scaling import numbers
from lightning_scaling.arrays import Floats
from lightning_scaling.laws.outcomes import TaskOutcome
from lightning_scaling.laws.tasks.task_posterior import TaskPosterior, line_posterior, sigmoid_posterior
from lightning_scaling.printed import Printed, Rows

Score = Literal["accuracy", "log_probability"]
FEWEST = 5
# Twice the log likelihood that a law over the loss must gain over a constant.
GAIN = 9.0
# A best run this near to chance, in points or in deviations of the noise, has not left it.
NEAR_CHANCE, NEAR_CHANCE_NOISE = 0.02, 2.0
# Share of the way from chance to 1 that the runs must cover.
SPAN = 0.1
# Losses, as shares of the lowest one seen, at which a law prints its score.
PLACES = (1.0, 0.97, 0.94)


@dataclass(frozen=True, eq=False, repr=False)
class TaskPrediction(Printed):
    """A score with its interval at `level`: floats, or (m,) as the losses asked for; NaN where the outcome is a refusal."""

    score: float | Floats
    low: float | Floats
    high: float | Floats
    level: float
    outcome: TaskOutcome
    because: str

    def _sentence(self) -> str:
        return f"{self.outcome} ({self.because})."

    def _table(self) -> Rows:
        columns = (np.atleast_1d(np.asarray(c, dtype=np.float64)) for c in (self.score, self.low, self.high))
        rows = [(numbers.plain(s), numbers.between(low, high, numbers.plain)) for s, low, high in zip(*columns, strict=True)]
        return [("score", f"{numbers.share(self.level)} interval"), *rows]


@dataclass(frozen=True, eq=False, repr=False)
class TaskLaw(Printed):
    """A score over loss: `predict(loss)` where `outcome` allows it.

    Args:
        kind: "accuracy" or "log_probability".
        chance: the accuracy of guessing; NaN where it was not given.
        loss: (lowest, highest) loss of the runs.
        posterior: the laws that fit, with weights; None where there is none.
        outcome: what kind of statement this is; `because` has its numbers.
    """

    kind: Score
    chance: float
    loss: tuple[float, float]
    posterior: TaskPosterior | None
    outcome: TaskOutcome
    because: str

    @property
    def usable(self) -> bool:
        """Whether scores can be predicted at all."""
        return self.posterior is not None

    def predict(self, loss: ArrayLike, low: ArrayLike | None = None, high: ArrayLike | None = None, level: float = 0.9) -> TaskPrediction:
        """The score of a run that ends at `loss`.

        Args:
            loss: scalar or (m,).
            low, high: interval of the loss at `level`, where it is itself predicted: the score's interval then includes it.
        """
        middle = np.atleast_1d(np.asarray(loss, dtype=np.float64))
        if self.posterior is None:
            nothing = np.full(middle.shape, np.nan)
            return _prediction(np.ndim(loss) == 0, nothing, nothing, nothing, level, self.outcome, self.because)
        below, above = (middle if edge is None else np.broadcast_to(np.asarray(edge, float), middle.shape) for edge in (low, high))
        answers = self.posterior.predict(middle, below, above, level)
        score, below, above = (np.clip(v, 0, 1) if self.kind == "accuracy" else v for v in answers)
        far = bool((self.loss[0] - middle > self.loss[1] - self.loss[0]).any())
        outcome = TaskOutcome.FAR if far and self.outcome is TaskOutcome.FITTED else self.outcome
        return _prediction(np.ndim(loss) == 0, score, below, above, level, outcome, self.because)

    def _sentence(self) -> str:
        return f"Score over loss: {self.outcome} ({self.because})."

    def _table(self) -> Rows:
        if not self.usable:
            return ()
        places = self.loss[0] * np.array(PLACES)
        head, *rows = self.predict(places)._table()
        return [("at a loss of", *head), *((numbers.loss(place), *row) for place, row in zip(places, rows, strict=True))]


def fit_task(
    loss: ArrayLike, score: ArrayLike, *, chance: float | None = None, kind: Score = "accuracy", groups: ArrayLike | None = None
) -> TaskLaw:
    """The law of a task's score over loss.

    Args:
        loss, score: (n,) of runs or checkpoints that have both; rows where either is not finite are left out.
        chance: the accuracy of guessing (.25 for four answers): the floor lies there or above; None fits a floor.
        kind: "accuracy" (0 to 1, a sigmoid) or "log_probability" (of the right answer, a line).
        groups: (n,) the run of each row: checkpoints of one run count together as one.

    Raises:
        ValueError: unequal lengths, accuracies outside 0 to 1, a chance outside it.

    >>> losses = np.linspace(2.2, 3.4, 12)
    >>> law = fit_task(losses, 0.25 + 0.7 / (1 + np.exp(6 * (losses - 2.6))), chance=0.25)
    >>> round(float(law.predict(2.1).score), 2)
    0.92
    """
    x, y, weight = _checked(loss, score, chance, kind, groups)
    floor = float("nan") if chance is None or kind == "log_probability" else float(chance)
    if len(np.unique(x)) < FEWEST:
        return TaskLaw(kind, floor, (float("nan"),) * 2, None, TaskOutcome.TOO_FEW_RUNS, f"{len(np.unique(x))} different losses")
    found = line_posterior(x, y, weight) if kind == "log_probability" else sigmoid_posterior(x, y, weight, floor)
    outcome, because = _judged(x, y, weight, floor, kind, found)
    ends = float(x.min()), float(x.max())
    refused = outcome in (TaskOutcome.AT_CHANCE, TaskOutcome.NOT_RELATED)
    return TaskLaw(kind, floor, ends, None if refused else found, outcome, because)


def _checked(
    loss: ArrayLike, score: ArrayLike, chance: float | None, kind: Score, groups: ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    """Loss, score and the weight of each row, which sum to the number of runs."""
    x, y = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (loss, score))
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"loss and score must be one-dimensional and of equal length, got shapes {x.shape} and {y.shape}")
    if kind not in ("accuracy", "log_probability"):
        raise ValueError(f"kind must be 'accuracy' or 'log_probability', got {kind!r}")
    if chance is not None and not 0 <= chance < 1:
        raise ValueError(f"chance is the accuracy of guessing, between 0 and 1; got {chance}")
    runs = np.arange(len(x)) if groups is None else np.unique(np.asarray(groups).astype(str), return_inverse=True)[1]
    if len(runs) != len(x):
        raise ValueError(f"groups must name the run of each row: {len(runs)} names for {len(x)} rows")
    kept = np.isfinite(x) & np.isfinite(y)
    x, y, runs = x[kept], y[kept], np.unique(runs[kept], return_inverse=True)[1]
    if kind == "accuracy" and len(y) and not (y.min() >= 0 and y.max() <= 1):
        what = "log-probabilities lie nowhere above 0" if y.min() < 0 else "divide percentages by 100"
        raise ValueError(f"accuracies must lie between 0 and 1, got {y.min():g} to {y.max():g}: {what}")
    return x, y, 1 / np.bincount(runs)[runs] if len(runs) else np.zeros(0)


def _judged(x: Floats, y: Floats, weight: Floats, floor: float, kind: Score, found: TaskPosterior) -> tuple[TaskOutcome, str]:
    ends = np.array([x.min(), x.max()])
    best, worst = (float(v) for v in found.mean(ends))
    noise = found.spread
    because = f"{weight.sum():.0f} runs, loss {numbers.between(*ends)}, score {numbers.plain(worst)} to {numbers.plain(best)}, "
    because += f"noise {numbers.plain(noise)}"
    if np.isfinite(floor) and best - floor < max(NEAR_CHANCE, NEAR_CHANCE_NOISE * noise):
        return TaskOutcome.AT_CHANCE, f"{because}; chance is {numbers.plain(floor)}"
    constant = float(weight @ (y - (weight @ y) / weight.sum()) ** 2)
    if weight.sum() * np.log(max(constant, 1e-300) / max(found.squares, 1e-300)) < GAIN or best <= worst:
        return TaskOutcome.NOT_RELATED, because
    little = kind == "accuracy" and best - worst < SPAN * (1 - (floor if np.isfinite(floor) else found.floor))
    return (TaskOutcome.LITTLE_SPAN if little else TaskOutcome.FITTED), because


def _prediction(scalar: bool, score: Floats, low: Floats, high: Floats, level: float, outcome: TaskOutcome, because: str) -> TaskPrediction:
    if scalar:
        return TaskPrediction(float(score[0]), float(low[0]), float(high[0]), level, outcome, because)
    return TaskPrediction(score, low, high, level, outcome, because)
