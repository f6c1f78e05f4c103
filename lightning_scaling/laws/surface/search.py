"""The search for L(N, D) = E + A/N^alpha + B/D^beta: its objective, starts from the data alone, and damped Newton inside a box.

Objective: the summed Huber loss of log residuals, with exact gradient and Hessian, for many weightings at once. Hoffmann et al. 2022,
section D.2 fit log L by log-sum-exp(e, a − alpha·x, b − beta·y), where x = ln N, y = ln D and e, a, b are logs of E, A, B. The *sum*
matters: a mean of the same terms is so small that quasi-Newton methods stop early (Besiroglu et al. 2024, section 4).

Starts: for each pair of exponents the law is linear in (E, A, B), so these are profiled out (variable projection, Golub & Pereyra 1973) on
a grid of exponents: the residual of relative least squares over the whole grid costs two matrix products. Its lowest places start the exact
search; nobody has to guess an A of a few hundred.

Newton: many problems that share their points, all starts or all resamples, in one batch. The Hessian of the Huber objective is exact but
need not be positive: its eigenvalues enter by absolute value (saddle-free Newton, Dauphin et al. 2014) plus a damping that falls with each
accepted step, so every accepted step lowers the objective.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats

# (e, a, b, alpha, beta) in centred logs: a term e^-18 of the typical loss is absent; exponents beyond these belong to no law of training.
LOWER = np.array([-18.0, -18.0, -18.0, 1e-3, 1e-3])
UPPER = np.array([4.0, 4.0, 4.0, 4.0, 4.0])
STEPS = 200
AT_ONCE = 20_000  # points
LOW = np.tril_indices(5, -1)
EXPONENTS = np.geomspace(0.04, 2.5, 14)
APART = 3


@dataclass(frozen=True, eq=False)
class Problem:
    """LawPoints of a surface in centred logs, so that any unit of N, D and loss gives the same numbers inside.

    Args:
        x, y, z: (n,) ln N, ln D, ln loss, each minus its centre.
        delta: width of the quadratic part of the Huber loss, inf for least squares.
        overestimate: weight of points that the law predicts too high, 1 for a symmetric objective.
    """

    x: Floats
    y: Floats
    z: Floats
    delta: float
    overestimate: float = 1.0

    @cached_property
    def blocks(self) -> list[tuple[slice, "Problem"]]:
        """The points in parts that stay in the cache of a processor."""
        rows = [slice(i, i + AT_ONCE) for i in range(0, len(self.x), AT_ONCE)]
        return [(some, self.take(some)) for some in rows]

    def take(self, index: NDArray[np.intp] | slice) -> "Problem":
        """The points at `index`."""
        return replace(self, x=self.x[index], y=self.y[index], z=self.z[index])

    @cached_property
    def across_params(self) -> Floats:
        """(n, 3) powers 1, −x, x² that derivatives with respect to (a, alpha) need."""
        return np.stack([np.ones_like(self.x), -self.x, self.x**2], 1)

    @cached_property
    def across_tokens(self) -> Floats:
        """(n, 3) the same of y, for (b, beta)."""
        return np.stack([np.ones_like(self.y), -self.y, self.y**2], 1)


@dataclass(frozen=True, eq=False)
class Value:
    """Objective (R,), gradient (R, 5) and Hessian (R, 5, 5) of R weightings."""

    value: Floats
    gradient: Floats
    hessian: Floats


def log_prediction(theta: Floats, x: Floats, y: Floats) -> Floats:
    """(R, n) ln L at centred logs, for theta (R, 5) = (e, a, b, alpha, beta)."""
    terms = np.exp(theta[:, 1:2] - theta[:, 3:4] * x) + np.exp(theta[:, 2:3] - theta[:, 4:5] * y) + np.exp(theta[:, :1])
    return np.asarray(np.log(terms))


def evaluate(problem: Problem, theta: Floats, weights: Floats) -> Value:
    """Objective, gradient and Hessian at theta (R, 5) for point weights (R, n): a resample is a row of counts."""
    if len(problem.x) <= AT_ONCE:
        return _evaluate(problem, theta, weights)
    parts = [_evaluate(part, theta, weights[:, some]) for some, part in problem.blocks]
    return Value(*(np.sum([getattr(part, name) for part in parts], axis=0) for name in ("value", "gradient", "hessian")))


def _evaluate(problem: Problem, theta: Floats, weights: Floats) -> Value:
    floor = np.exp(theta[:, :1])
    by_n = np.exp(theta[:, 1:2] - theta[:, 3:4] * problem.x)
    by_d = np.exp(theta[:, 2:3] - theta[:, 4:5] * problem.y)
    total = floor + by_n + by_d
    residual = np.log(total) - problem.z
    np.reciprocal(total, out=total)
    share_e, share_n, share_d = floor * total, by_n * total, by_d * total
    slope = np.clip(residual, -problem.delta, problem.delta)
    if problem.overestimate != 1.0:
        weights = weights * np.where(residual > 0, problem.overestimate, 1.0)
    value = (weights * slope * (residual - 0.5 * slope)).sum(1)
    curved = weights * (slope == residual)
    slope *= weights
    return _derivatives(problem, value, slope, curved - slope, (share_e, share_n, share_d))


def _derivatives(problem: Problem, value: Floats, slope: Floats, bend: Floats, shares: tuple[Floats, Floats, Floats]) -> Value:
    # d log-sum-exp = share of each term; its second derivative = diag(shares) − shares·sharesᵀ, hence `bend` = huber'' − huber'.
    e, n, d = shares
    by_x, by_y = problem.across_params, problem.across_tokens
    gradient, hessian = np.empty((len(e), 5)), np.empty((len(e), 5, 5))
    first_e, first_n, first_d = (slope * e).sum(1), (slope * n) @ by_x, (slope * d) @ by_y
    bend_e, bend_n, bend_d = bend * e, bend * n, bend * d
    cross = bend_n * d
    gradient[:, 0], gradient[:, 1], gradient[:, 3], gradient[:, 2], gradient[:, 4] = first_e, *first_n[:, :2].T, *first_d[:, :2].T
    hessian[:, 0, 0] = first_e + (bend_e * e).sum(1)
    hessian[:, 0, 1], hessian[:, 0, 3] = ((bend_e * n) @ by_x[:, :2]).T
    hessian[:, 0, 2], hessian[:, 0, 4] = ((bend_e * d) @ by_y[:, :2]).T
    hessian[:, 1, 1], hessian[:, 1, 3], hessian[:, 3, 3] = (first_n + (bend_n * n) @ by_x).T
    hessian[:, 2, 2], hessian[:, 2, 4], hessian[:, 4, 4] = (first_d + (bend_d * d) @ by_y).T
    hessian[:, 1, 2], hessian[:, 1, 4] = (cross @ by_y[:, :2]).T
    hessian[:, 2, 3] = cross @ by_x[:, 1]
    hessian[:, 3, 4] = cross @ (by_x[:, 1] * by_y[:, 1])
    hessian[:, LOW[0], LOW[1]] = hessian[:, LOW[1], LOW[0]]
    return Value(value, gradient, hessian)


def unexplained(x: Floats, y: Floats, z: Floats, weights: Floats, alphas: Floats, betas: Floats) -> Floats:
    """(a, b) squared relative residuals of the best law for each pair of exponents."""
    (by_n, by_d, floor), _ = _columns(x, y, z, weights, alphas, betas)
    return _profile(by_n, by_d, floor, np.sqrt(weights))[1]


def starts(x: Floats, y: Floats, z: Floats, weights: Floats, most: int = 1) -> Floats:
    """(≤ most, 5) starts (e, a, b, alpha, beta) in centred logs, best first: the lowest places of the profiled least squares."""
    (by_n, by_d, floor), (scale_n, scale_d, scale_e) = _columns(x, y, z, weights, EXPONENTS, EXPONENTS)
    coefficients, unexplained = _profile(by_n, by_d, floor, np.sqrt(weights))
    chosen = _lowest(unexplained, most)
    scales = np.stack([np.full(len(chosen), scale_e), scale_n[chosen[:, 0]], scale_d[chosen[:, 1]]], 1)
    logs = np.log(np.maximum(coefficients[chosen[:, 0], chosen[:, 1]] / scales, 1e-7))
    return np.concatenate([logs, EXPONENTS[chosen]], 1)


def _columns(x: Floats, y: Floats, z: Floats, weights: Floats, alphas: Floats, betas: Floats) -> tuple[list[Floats], list[Floats]]:
    """The terms of N (a, n), of D (b, n) and of the floor (n,) over the loss, each of length one, and their lengths before."""
    relative = np.sqrt(weights) * np.exp(-z)
    terms = [np.exp(-alphas[:, None] * x) * relative, np.exp(-betas[:, None] * y) * relative, relative]
    lengths = [np.linalg.norm(v, axis=-1, keepdims=True) for v in terms]
    return [v / length for v, length in zip(terms, lengths, strict=True)], [length[..., 0] for length in lengths]


def _profile(by_n: Floats, by_d: Floats, floor: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Coefficients (g, g, 3) of (E, A, B), none negative, and the squared residual (g, g), for each pair of exponents."""
    g = len(by_n)
    gram, moment = np.empty((g, g, 3, 3)), np.empty((g, g, 3))
    gram[..., range(3), range(3)] = 1.0 + 1e-12
    gram[..., 0, 1] = gram[..., 1, 0] = (by_n @ floor)[:, None]
    gram[..., 0, 2] = gram[..., 2, 0] = (by_d @ floor)[None, :]
    gram[..., 1, 2] = gram[..., 2, 1] = by_n @ by_d.T
    moment[..., 0], moment[..., 1], moment[..., 2] = floor @ target, (by_n @ target)[:, None], (by_d @ target)[None, :]
    found = np.linalg.solve(gram, moment[..., None])[..., 0]
    no_floor = np.zeros_like(found)
    no_floor[..., 1:] = np.linalg.solve(gram[..., 1:, 1:], moment[..., 1:, None])[..., 0]
    found = np.where((found < 0).any(-1, keepdims=True), no_floor, found)
    found = np.maximum(found, 0.0)
    return found, (target @ target) - 2 * (found * moment).sum(-1) + np.einsum("abi,abij,abj->ab", found, gram, found)


def _lowest(unexplained: Floats, most: int) -> NDArray[np.intp]:
    """(k, 2) grid positions to start from, lowest first and at least three steps apart: the minima, then the lowest slopes about them.

    Starts on the slopes find the same minimum again or, if there is one, a better: their agreement is the fit's certificate.
    """
    order = np.stack(np.unravel_index(np.argsort(unexplained, axis=None), unexplained.shape), 1)
    chosen: list[NDArray[np.intp]] = []
    for place in order[np.isfinite(unexplained[order[:, 0], order[:, 1]])]:
        if all(np.abs(place - other).max() >= APART for other in chosen):
            chosen.append(place)
        if len(chosen) == most:
            break
    return np.array(chosen)


def minimise(problem: Problem, theta: Floats, weights: Floats, tolerance: float = 1e-13) -> tuple[Floats, Floats]:
    """Minima (R, 5) and their objectives (R,) from starts theta (R, 5), for point weights (R, n) or (1, n)."""
    theta = np.clip(theta, LOWER, UPPER)
    weights = np.broadcast_to(weights, (len(theta), weights.shape[1]))
    best, values = theta.copy(), np.empty(len(theta))
    live, damping = np.arange(len(theta)), np.full(len(theta), 1e-6)
    now = evaluate(problem, theta, weights)
    for _ in range(STEPS):
        step, promised = _step(now, theta, damping)
        tried = np.clip(theta + step, LOWER, UPPER)
        new = evaluate(problem, tried, weights)
        better = new.value <= now.value
        done = (promised <= tolerance * np.abs(now.value) + 1e-28) | (damping > 1e12)
        theta = np.where(better[:, None], tried, theta)
        now = _choose(better, new, now)
        damping = np.where(better, damping * 0.1, np.maximum(damping, 1e-6) * 10.0)
        best[live], values[live] = theta, now.value
        keep = ~done
        if not keep.any():
            break
        if not keep.all():
            live, theta, damping, weights = live[keep], theta[keep], damping[keep], weights[keep]
            now = Value(now.value[keep], now.gradient[keep], now.hessian[keep])
    return best, values


def search(problem: Problem, starts: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Minima (R, 5) and objectives (R,) from far starts: by least squares, then by the Huber loss, four times narrower each time.

    Straight from a far start the narrow loss, nearly flat between its kinks, took up to 190 steps on published families; this takes 15 to
    60.
    """
    ends, values = minimise(replace(problem, delta=np.inf), starts, weights, 1e-2)
    residuals = log_prediction(ends[values.argmin()][None], problem.x, problem.y)[0] - problem.z
    delta = float(np.median(np.abs(residuals)))
    while 3 * problem.delta < delta < np.inf:
        ends, _ = minimise(replace(problem, delta=delta), ends, weights, 1e-2)
        delta /= 4
    return minimise(problem, ends, weights)


def _step(now: Value, theta: Floats, damping: Floats) -> tuple[Floats, Floats]:
    """The damped step (R, 5) and the decrease it promises (R,). A coordinate that would leave the box stays where it is."""
    stuck = ((theta <= LOWER) & (now.gradient > 0)) | ((theta >= UPPER) & (now.gradient < 0))
    gradient = np.where(stuck, 0.0, now.gradient)
    hessian = np.where(stuck[:, :, None] | stuck[:, None, :], 0.0, now.hessian)
    scale = np.sqrt(np.abs(np.einsum("rii->ri", hessian)))
    scale = np.where(scale > 1e-12 * scale.max(1, keepdims=True), scale, 1.0) if len(scale) else scale
    curvature, axes = np.linalg.eigh(hessian / (scale[:, :, None] * scale[:, None, :]))
    curvature = np.abs(curvature) + damping[:, None] + 1e-14
    along = np.einsum("rij,ri->rj", axes, gradient / scale)
    step = -np.einsum("rij,rj->ri", axes, along / curvature) / scale
    return step, 0.5 * (along**2 / curvature).sum(1)


def _choose(better: NDArray[np.bool_], new: Value, old: Value) -> Value:
    pick: Callable[[Floats, Floats], Floats] = lambda a, b: np.where(better.reshape((-1,) + (1,) * (a.ndim - 1)), a, b)  # noqa: E731
    return Value(pick(new.value, old.value), pick(new.gradient, old.gradient), pick(new.hessian, old.hessian))
