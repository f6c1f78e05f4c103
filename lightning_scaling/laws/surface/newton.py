"""Damped Newton inside a box, for many problems that share their points: all starts, or all resamples, in one batch.

The Hessian of the Huber objective is exact but need not be positive: its eigenvalues enter by absolute value (saddle-free Newton, Dauphin
et al. 2014) plus a damping that falls with each accepted step, so every accepted step lowers the objective.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.surface.objective import Problem, Value, evaluate, log_prediction

# (e, a, b, alpha, beta) in centred logs: a term e^-18 of the typical loss is absent; exponents beyond these belong to no law of training.
LOWER = np.array([-18.0, -18.0, -18.0, 1e-3, 1e-3])
UPPER = np.array([4.0, 4.0, 4.0, 4.0, 4.0])
STEPS = 200


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
