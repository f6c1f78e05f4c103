"""Fit L(N, D) to finished runs: robust by default, from starts found in the data alone, with the bootstrap in one batch.

Which objective is right, measured on 75 points with log-normal noise of .5 % (100 worlds of two laws): the exponents of Huber 1e-3, which
takes nearly every point for an outlier, err by a fifth to a quarter more than those of log least squares; with real outliers (crippled
runs, digitised figures) the Huber loss holds where least squares follows them; "noise_huber", with delta at 1.345 robust standard
deviations, is within 4 % of the better one in both cases. "huber" is the default because published fits use it and are compared with.

A resample of the bootstrap is a row of counts (how often each run was drawn), so that 4000 resamples of 240 points are matrix products.
Points of one run are correlated and are drawn together (laws that resample points of curves come out too sure).
"""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_scaling.arrays import Floats, robust_spread
from lightning_scaling.laws.outcomes import SurfaceOutcome
from lightning_scaling.laws.points import SEARCHED, LawPoints, points, spread_over
from lightning_scaling.laws.surface.identify import FEWEST, distinct, judge, sensitivities, structure
from lightning_scaling.laws.surface.search import Problem, log_prediction, minimise, search
from lightning_scaling.laws.surface.search import starts as data_starts
from lightning_scaling.laws.surface.surface import Surface
from lightning_scaling.laws.surface.surface_fit import SurfaceFit

Objective = Literal["huber", "log_least_squares", "noise_huber"]
# Rows of a larger table that are resampled: its intervals are theirs, narrowed by the square root of the share of the runs they are.
RESAMPLED = 2_000
# Huber's constant for 95 % efficiency under normal noise.
EFFICIENT = 1.345
# 128 rows × 240 points × 8 bytes stay in the second-level cache: .32 s for 4000 resamples against .42 s in rows of 64.
ROWS_AT_ONCE = 128
# A resample moves a constant by a hundredth or more; its own search need not be better than this share of the objective.
TOLERANCE = 1e-7


def fit_surface(
    params: ArrayLike,
    tokens: ArrayLike,
    loss: ArrayLike,
    resamples: int = 0,
    seed: int | None = None,
    groups: ArrayLike | None = None,
    *,
    objective: Objective = "huber",
    delta: float = 1e-3,
    starts: int = 1,
    weights: ArrayLike | None = None,
    overestimate_penalty: float = 1.0,
    flops: ArrayLike | None = None,
    name: str = "this fit",
    notes: dict[str, Any] | None = None,
) -> SurfaceFit:
    """The surface L(N, D) = E + A/N^alpha + B/D^beta of finished runs.

    Args:
        params, tokens, loss: (n,) N, D and final loss of each run, in any units.
        resamples: bootstrap resamples for intervals (0: none; 4000 of 240 points take a third of a second).
        seed: of the bootstrap.
        groups: (n,) the run each point belongs to, where runs give several points: resampled together, since they are correlated.
        objective: "huber" (summed, width `delta`, of log residuals: Hoffmann et al. 2022, eq. 3), "log_least_squares" or "noise_huber".
        starts: from how many places the search begins, all found in the data. One is enough on every published family; with more, the
            fit's `agreement` counts how many of them ended in the lowest minimum.
        weights: (n,) weight of each point, 1 by default.
        overestimate_penalty: weight of runs that the law predicts too high. Above 1 the law follows the best runs: right where some members
            of a ladder are not tuned, so that losses lie above the law but not below it (OLMo-core's `overestimate_penalty`).
        flops: (n,) FLOPs of each run where they are not 6·N·D; only the place of the optimum depends on them.
        name: shown beside other laws.
        notes: kept in the law's procedure (conventions, ids of the points, source).

    Raises:
        ValueError: arrays of unequal length, numbers that are not finite and positive, an unknown objective.

    >>> N, D = np.meshgrid([1e8, 3e8, 1e9], [1e9, 1e10, 1e11])
    >>> fit = fit_surface(N.ravel(), D.ravel(), Surface(1.7, 400, 410, 0.34, 0.28).predict(N, D).ravel())
    >>> round(fit.alpha, 9), fit.outcome.name
    (0.34, 'IDENTIFIED')
    """
    given = points(params, tokens, loss, groups)
    given = given if groups is not None else replace(given, groups=given.rows)
    weight = np.ones(len(given)) if weights is None else np.asarray(weights, dtype=np.float64)
    if objective not in ("huber", "log_least_squares", "noise_huber"):
        raise ValueError(f"objective must be 'huber', 'log_least_squares' or 'noise_huber', got {objective!r}")
    if not 0 < overestimate_penalty < np.inf:
        raise ValueError(f"overestimate_penalty must be positive and finite, got {overestimate_penalty}")
    if weight.shape != (len(given),) or not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise ValueError("weights must be finite, not negative, one a point")
    procedure = dict(
        objective=objective, delta=delta, starts=starts, resamples=resamples, seed=seed, by_run=groups is not None, **(notes or {})
    )
    if overestimate_penalty != 1.0:
        procedure["overestimate_penalty"] = overestimate_penalty
    if distinct(given) < FEWEST:
        return _too_few(given, procedure, name)
    fit, problem, theta = _fit(given, weight, objective, delta, starts, overestimate_penalty)
    fit = replace(fit, procedure=procedure | {"delta": problem.delta}, name=name, flops_per=_flops_per(given, flops))
    return replace(fit, resamples=to_surface(_resampled(given, problem, theta, weight, resamples, seed), given)) if resamples else fit


def _resampled(given: LawPoints, problem: Problem, theta: Floats, weight: Floats, resamples: int, seed: int | None) -> Floats:
    """(R, 5) constants of resampled runs; of a large table those of a sample, moved to the fit and narrowed to the number of its runs."""
    rng = np.random.default_rng(seed)
    if len(given) <= SEARCHED:
        return refit(problem, theta, draw(given.groups, resamples, rng), weight)
    some = spread_over(len(given), RESAMPLED)
    part, groups = problem.take(some), np.unique(given.groups[some], return_inverse=True)[1]
    middle = minimise(part, theta[None], weight[some][None])[0]
    many = refit(part, middle[0], draw(groups, resamples, rng), weight[some])
    return np.asarray(theta + np.sqrt((groups.max() + 1) / (given.groups.max() + 1)) * (many - middle))


def _fit(
    given: LawPoints, weight: Floats, objective: Objective, delta: float, most: int, overestimate: float
) -> tuple[SurfaceFit, Problem, Floats]:
    problem = replace(centred(given, delta if objective == "huber" else np.inf), overestimate=overestimate)
    some = spread_over(len(given), SEARCHED)
    part = problem.take(some)
    found = data_starts(part.x, part.y, part.z, weight[some], most)
    ends, values = search(part, found, weight[some][None])
    agreement = _agreement(values)
    if len(given) > len(some):
        ends, values = minimise(problem, ends[values.argmin()][None], weight[None])
    if objective == "noise_huber":
        for _ in range(3):
            residuals = problem.z - log_prediction(ends[values.argmin()][None], problem.x, problem.y)[0]
            problem = replace(problem, delta=max(EFFICIENT * robust_spread(residuals), 1e-12))
            ends, values = minimise(problem, ends, weight[None])
            agreement = _agreement(values) if len(values) > 1 else agreement
    theta, best = ends[values.argmin()], float(values.min())
    residuals = problem.z - log_prediction(theta[None], problem.x, problem.y)[0]
    # The fit takes up to five residuals to zero (as median regression does); they say nothing of the noise.
    noise = robust_spread(np.sort(np.abs(residuals))[5:])
    once = some[np.unique(given.take(some).rows, return_index=True)[1]]
    outcome, because = _judged(given.take(once), problem.take(once), theta, residuals[once], noise, agreement, distinct(given))
    law = to_surface(theta[None], given)
    law = Surface(*(float(v[0]) for v in vars(law).values()))
    return SurfaceFit(law, best, outcome, because, given, noise, agreement), problem, theta


def _agreement(values: Floats) -> tuple[int, int]:
    """How many of the minima reached from all starts are the lowest."""
    return int((values <= float(values.min()) * (1 + 1e-8) + 1e-20).sum()), len(values)


def _judged(
    given: LawPoints, problem: Problem, theta: Floats, residuals: Floats, noise: float, agreement: tuple[int, int], different: int
) -> tuple[SurfaceOutcome, str]:
    outcome, because = judge(given, theta, problem.x, problem.y, problem.z, residuals, noise, different)
    if agreement[1] > 1 and 2 * agreement[0] < agreement[1] and outcome is SurfaceOutcome.IDENTIFIED:
        return SurfaceOutcome.STARTS_DISAGREE, f"{agreement[0]} of {agreement[1]} starts end in the lowest minimum; {because}"
    found = structure(sensitivities(theta, problem.x, problem.y), problem.x, problem.y, residuals)
    if found is not None and outcome is SurfaceOutcome.IDENTIFIED:
        return SurfaceOutcome.FORM_MISFIT, f"{found}; {because}"
    return outcome, because if found is None else f"{because}; {found}, so another form may fit better"


def _flops_per(given: LawPoints, flops: ArrayLike | None) -> float:
    """FLOPs per param and token of runs that share one rule; ValueError where they plainly do not."""
    if flops is None:
        return 6.0
    if np.shape(flops) != given.loss.shape:
        raise ValueError(f"flops must be one a point: {np.shape(flops)} for {len(given)} points")
    ratio = np.log(np.asarray(flops, dtype=np.float64) / (given.params * given.tokens))
    if not np.isfinite(ratio).all() or np.ptp(ratio) > np.log(3.0):
        raise ValueError(
            "FLOPs per param and token differ by more than a factor 3 between runs: they were counted by different rules; fit them apart"
        )
    return float(np.exp(ratio.mean()))


def centred(given: LawPoints, delta: float) -> Problem:
    """The points in logs about their centre."""
    x, y, z = (np.log(v) for v in (given.params, given.tokens, given.loss))
    return Problem(x - x.mean(), y - y.mean(), z - np.median(z), delta)


def to_surface(theta: Floats, given: LawPoints) -> Surface:
    """Constants (R,) in the units of the points from theta (R, 5) in centred logs."""
    x, y, z = np.log(given.params).mean(), np.log(given.tokens).mean(), np.median(np.log(given.loss))
    e, a, b, alpha, beta = theta.T
    return Surface(np.exp(e + z), np.exp(a + z + alpha * x), np.exp(b + z + beta * y), alpha, beta)


def _too_few(given: LawPoints, procedure: dict[str, Any], name: str) -> SurfaceFit:
    nothing = Surface(*[float("nan")] * 5)
    different, rows = distinct(given), len(given)
    because = f"{different} configuration{'s' * (different != 1)} in {rows} row{'s' * (rows != 1)} for five constants"
    return SurfaceFit(nothing, float("nan"), SurfaceOutcome.TOO_FEW_POINTS, because, given, float("nan"), (0, 0), None, procedure, name)


def draw(groups: NDArray[np.intp], resamples: int, rng: np.random.Generator) -> Floats:
    """(resamples, n) counts: whole runs drawn with replacement."""
    runs = int(groups.max()) + 1
    counts = rng.multinomial(runs, np.full(runs, 1.0 / runs), size=resamples)
    return np.asarray(counts[:, groups], dtype=np.float64)


def refit(problem: Problem, best: Floats, counts: Floats, weights: Floats) -> Floats:
    """(R, 5) minima for each row of counts, all started from the fit to the points themselves."""
    rows = range(0, len(counts), ROWS_AT_ONCE)
    parts = [counts[i : i + ROWS_AT_ONCE] * weights for i in rows]
    return np.concatenate([minimise(problem, np.repeat(best[None], len(part), 0), part, TOLERANCE)[0] for part in parts])
