"""Starts for the surface fit from the data alone: for each pair of exponents the law is linear in (E, A, B), so these are profiled out.

Variable projection (Golub & Pereyra 1973) on a grid of exponents: the residual of relative least squares over the whole grid costs two
matrix products. Its lowest places start the exact search; nobody has to guess an A of a few hundred.
"""

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats

EXPONENTS = np.geomspace(0.04, 2.5, 14)
APART = 3


def unexplained(x: Floats, y: Floats, z: Floats, weights: Floats, alphas: Floats, betas: Floats) -> Floats:
    """(a, b) squared relative residuals of the best law for each pair of exponents."""
    relative = np.sqrt(weights) * np.exp(-z)
    by_n, by_d = np.exp(-alphas[:, None] * x) * relative, np.exp(-betas[:, None] * y) * relative
    columns = [v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (by_n, by_d, relative)]
    return _profile(columns[0], columns[1], columns[2], np.sqrt(weights))[1]


def starts(x: Floats, y: Floats, z: Floats, weights: Floats, most: int = 1) -> Floats:
    """(≤ most, 5) starts (e, a, b, alpha, beta) in centred logs, best first: the lowest places of the profiled least squares."""
    relative = np.sqrt(weights) * np.exp(-z)
    by_n = np.exp(-EXPONENTS[:, None] * x) * relative
    by_d = np.exp(-EXPONENTS[:, None] * y) * relative
    scale_n, scale_d, scale_e = np.linalg.norm(by_n, axis=1), np.linalg.norm(by_d, axis=1), np.linalg.norm(relative)
    by_n, by_d, floor = by_n / scale_n[:, None], by_d / scale_d[:, None], relative / scale_e
    coefficients, unexplained = _profile(by_n, by_d, floor, np.sqrt(weights))
    chosen = _lowest(unexplained, most)
    scales = [np.stack([np.full(len(chosen), scale_e), scale_n[chosen[:, 0]], scale_d[chosen[:, 1]]], 1)]
    logs = np.log(np.maximum(coefficients[chosen[:, 0], chosen[:, 1]] / scales[0], 1e-7))
    return np.concatenate([logs, EXPONENTS[chosen]], 1)


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
