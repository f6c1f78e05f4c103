"""The loss a planned larger run will end at, from smaller ones: an estimator of its own.

The fit that is best on what was seen is not the best predictor of larger runs. What it takes, measured on families of published runs that
had no part in the choice (docs/decisions.md): a prior on the floor's share of the loss, an average over forms of the law instead of one,
a slow drift of the law's misfit extrapolated from the largest runs, large runs counted for more, outliers for less.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lightning_scaling import numbers
from lightning_scaling.arrays import Floats, robust_spread
from lightning_scaling.laws.configurations import Configurations, Replicates, configurations, merged
from lightning_scaling.laws.extrapolation.answer import Answer, Shorten, Summary, answer, summary
from lightning_scaling.laws.extrapolation.drift import LogRuns
from lightning_scaling.laws.extrapolation.priors import FALL, LawPrior, LossKind, prior_for, recognised, reconsidered
from lightning_scaling.laws.outcomes import LargerOutcome
from lightning_scaling.laws.points import LawPoints, points, positive
from lightning_scaling.laws.surface.fit import fit_surface
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.laws.tasks.task_law import TaskLaw, TaskPrediction, fit_task
from lightning_scaling.printed import Printed, Rows
from lightning_scaling.units import training_flops

# More configurations than this add little and cost the cube of their number: neighbours are averaged.
MOST = 400
# Targets answered at once.
AT_ONCE = 200
# Runs weigh by this power of their compute in the centre at which the floor's share is stated.
CENTRE = 0.5
FEWEST = 4
# ln N, ln D or ln(D/N) that varies by less than this cannot show what a change of it does.
SMALLEST_SPREAD = 0.1
# A target is off what the runs hold fixed when it differs by more than this factor.
OFF = np.log(1.5)


@dataclass(frozen=True, eq=False, repr=False)
class Larger(Printed):
    """Predicted losses of planned runs.

    Args:
        loss, low, high: floats, or (m,) as the targets; the interval is of a new run at `level`.
        factor: the target's compute over the largest compute fitted on.
        outcome: what kind of statement this is; `because` has its numbers.
        exponents: mean exponents of N and of D of the laws averaged.
        floor_share: mean share of the irreducible loss in the loss at the centre of the runs.
        forms: weight of each kappa of E + (A/N^a + B/D^b)^kappa; 1 is the usual surface.
        shorten: the one run that would narrow the widest of these intervals most for its cost, None where none is worth it.
        task: the score that goes with the loss, its interval with that of the loss included; None where no scores were given.
    """

    loss: Any
    low: Any
    high: Any
    level: float
    factor: Any
    outcome: LargerOutcome
    because: str
    exponents: tuple[float, float]
    floor_share: float = float("nan")
    forms: dict[float, float] | None = None
    shorten: Shorten | None = None
    task: TaskPrediction | None = None

    def _sentence(self) -> str:
        runs = f"{len(self.loss)} planned runs: " if np.ndim(self.loss) else ""
        scored = "" if self.task is None else f"\nscore: {self.task.outcome} ({self.task.because})."
        return f"{runs}{self.outcome} ({self.because}).{scored}"

    def _table(self) -> Rows:
        rows = [("times the compute", "loss", f"{numbers.share(self.level)} interval"), *self._rows()]
        return rows if self.task is None else [(*row, *scored) for row, scored in zip(rows, self.task._table(), strict=True)]

    def _rows(self) -> list[tuple[str, str, str]]:
        columns = (np.atleast_1d(np.asarray(column, dtype=np.float64)) for column in (self.factor, self.loss, self.low, self.high))
        return [(numbers.plain(f), numbers.loss(x), numbers.between(low, high)) for f, x, low, high in zip(*columns, strict=True)]


def predict_larger(
    params: ArrayLike,
    tokens: ArrayLike,
    loss: ArrayLike,
    at_params: ArrayLike,
    at_tokens: ArrayLike,
    level: float = 0.9,
    seed: int | None = None,
    *,
    groups: ArrayLike | None = None,
    replicates: Replicates = "auto",
    loss_kind: LossKind | None = None,
    floor: float | None = None,
    task: ArrayLike | TaskLaw | None = None,
    chance: float | None = None,
) -> Larger:
    """The loss planned larger runs will end at.

    Args:
        params, tokens, loss: (n,) the runs finished so far, any units.
        at_params, at_tokens: the planned runs, scalars or (m,).
        level: of the interval.
        seed: accepted for symmetry with fit_surface; nothing here is random.
        groups: (n,) the run of each point, where runs give several.
        replicates: how rows of one (N, D) are read: "seeds" (averaged), "sweep" (the lowest counts), "auto" by their shape.
        loss_kind: "token_log_loss" (nats or bits a token of text) or "other" (errors, squared errors, probabilities); None: by its values.
        floor: the irreducible loss, where its owner knows it.
        task: (n,) accuracy of each run on a task, NaN where it was not scored: adds that of the planned runs (`p.task`). Or a law of
            `fit_task`, for log-probabilities or checkpoints.
        chance: the accuracy of guessing on that task, e.g. .25.

    >>> N, D = np.meshgrid([1e7, 3e7, 1e8], [2e8, 1e9, 5e9])
    >>> seen = 1.7 + 400 / N**0.34 + 410 / D**0.28
    >>> p = predict_larger(N.ravel(), D.ravel(), seen.ravel(), 1e9, 2e10)
    >>> abs(p.loss / (1.7 + 400 / 1e9**0.34 + 410 / 2e10**0.28) - 1) < 0.02
    True
    """
    given, scalar = points(params, tokens, loss, groups), np.ndim(at_params) == 0 and np.ndim(at_tokens) == 0
    size, length = np.broadcast_arrays(positive("at_params", at_params), positive("at_tokens", at_tokens))
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    if floor is not None and not 0 < floor < given.loss.min(initial=np.inf):
        raise ValueError(f"floor must be positive and below the lowest loss {given.loss.min():g}, got {floor}")
    distinct = configurations(given, replicates)
    factor = training_flops(size, length) / given.flops.max() if len(given) else np.full(size.shape, np.inf)
    refused = refusal(distinct.points, size, length)
    if refused is not None:
        nothing = np.full(size.shape, np.nan)
        return _result(Answer(nothing, nothing, nothing), level, factor, scalar, Summary(refused[0], f"{distinct}; {refused[1]}"))
    prior, few = _prior(distinct.points, loss_kind, floor), merged(distinct, MOST)
    found = _predict(few, prior, size, length, level, factor, scalar)
    if (broad := reconsidered(prior, found.floor_share)) is not prior:
        found = _predict(few, broad, size, length, level, factor, scalar)
    if task is None:
        return found
    law = task if isinstance(task, TaskLaw) else fit_task(loss, task, chance=chance, groups=groups)
    return replace(found, task=law.predict(found.loss, found.low, found.high, level))


def expected_loss(fit: SurfaceFit, params: ArrayLike, tokens: ArrayLike, level: float = 0.9) -> Larger:
    """The loss of runs by `predict_larger` from the points of a law, whose own loss knows nothing of other forms and drift."""
    seen = fit.points
    return predict_larger(seen.params, seen.tokens, seen.loss, params, tokens, level, groups=seen.groups)


def _predict(given: Configurations, prior: LawPrior, size: Floats, length: Floats, level: float, factor: Floats, scalar: bool) -> Larger:
    runs, x, y, unit, distrusted = _logs(given)
    u, v = np.log(size) - x, np.log(length) - y
    blocks = [slice(i, i + AT_ONCE) for i in range(0, len(u), AT_ONCE)]
    answers = [answer(runs, u[block], v[block], prior, level) for block in blocks]
    joined = Answer(*(np.concatenate([getattr(each, name) for each in answers]) + unit for name in ("middle", "low", "high")))
    widest = int(np.argmax(joined.high - joined.low))
    found = summary(runs, float(u[widest]), float(v[widest]), prior, (x, y), factor.max())
    because = f"{given}{distrusted}; {numbers.count(factor.max())} times their largest compute; {found.because}; prior: {prior.source}"
    return _result(joined, level, factor, scalar, replace(found, because=because))


def _result(found: Answer, level: float, factor: Floats, scalar: bool, stated: Summary) -> Larger:
    values: list[Any] = [np.exp(found.middle), np.exp(found.low), np.exp(found.high), factor]
    loss, low, high, times = (float(v[0]) for v in values) if scalar else values
    return Larger(loss, low, high, level, times, **vars(stated))


def _centre(given: LawPoints) -> tuple[float, float]:
    weight = given.flops**CENTRE / (given.flops**CENTRE).sum()
    return float(weight @ np.log(given.params)), float(weight @ np.log(given.tokens))


def _logs(given: Configurations) -> tuple[LogRuns, float, float, float, str]:
    """The runs in centred logs, the centre (ln N, ln D, ln loss), and in words which runs lie off."""
    seen = given.points
    x, y = _centre(seen)
    unit = float(np.median(np.log(seen.loss)))
    variance = (seen.flops / seen.flops.max()) ** -FALL
    distrust = _distrust(seen, variance)
    variance = variance * np.abs(distrust)
    if given.read_as == "seeds":
        variance = variance / given.count
    runs = LogRuns(np.log(seen.params) - x, np.log(seen.tokens) - y, np.log(seen.loss) - unit, variance, seen.groups)
    return runs, x, y, unit, _off(seen, distrust)


def _off(given: LawPoints, distrust: Floats) -> str:
    """Runs that count less because they lie off the law; those above it may be under-tuned or ended too early."""
    parts = []
    for side, sign, why in (("above", 1.0, " (under-tuned or too short?)"), ("below", -1.0, "")):
        if count := int((sign * distrust > 1).sum()):
            at = int(np.argmax(sign * distrust))
            farthest = f"{numbers.count(float(given.params[at]))} on {numbers.count(float(given.tokens[at]))} tokens"
            many = f"{count} of them lie" if count > 1 else "one of them lies"
            parts.append(
                f", {many} far {side} the law{why} and count less: {farthest}"
                if count > 1
                else f", {many} far {side} the law{why} and counts less: {farthest}"
            )
    return "".join(parts)


def _distrust(given: LawPoints, variance: Floats) -> Floats:
    """(n,) factors of variance: runs more than three robust deviations off a robust fit count by the square of how far they are off.

    With the sign of their residual: positive above the fit.
    """
    fit = fit_surface(given.params, given.tokens, given.loss, objective="noise_huber", weights=1 / variance)
    if not np.isfinite(fit.alpha):
        return np.ones(len(given))
    off = np.abs(fit.residuals) / np.sqrt(variance)
    return np.maximum(1.0, off / (3 * robust_spread(off) + 1e-12)) ** 2 * np.where(fit.residuals < 0, -1.0, 1.0)


def _prior(given: LawPoints, kind: LossKind | None, floor: float | None) -> LawPrior:
    known = kind or recognised(given.loss)
    if floor is None:
        return prior_for(known)
    x, y = _centre(given)
    fit = fit_surface(given.params, given.tokens, given.loss, objective="noise_huber")
    centre = float(fit.predict(np.exp(x), np.exp(y))) if np.isfinite(fit.alpha) else float(np.median(given.loss))
    return prior_for(known, min(floor / centre, 0.98))


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
