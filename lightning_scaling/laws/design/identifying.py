"""The one further run that would identify an exponent best, no dearer than the dearest so far (c-optimal design for one constant)."""

from dataclasses import dataclass

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.design.next_runs import PRIOR
from lightning_scaling.laws.outcomes import SurfaceOutcome
from lightning_scaling.laws.surface.identify import centred_theta, sensitivities
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.numbers import count

# Sizes and lengths up to this many times beyond those trained.
BEYOND, GRID = 4.0, 33


@dataclass(frozen=True)
class IdentifyingRun:
    """A run to train, the exponent it is for, and that exponent's standard error before and after."""

    params: int
    tokens: int
    exponent: str
    error_before: float
    error_after: float

    def __str__(self) -> str:
        return (
            f"a run of {count(self.params)} params on {count(self.tokens)} tokens would bring the standard error of {self.exponent} "
            f"from {self.error_before:.2g} to {self.error_after:.2g}"
        )


def identifying_run(fit: SurfaceFit) -> IdentifyingRun:
    """The run that lowers the error of the less certain exponent most. ValueError for a fit without constants.

    The errors are those of the linearised law, under the prior that a published exponent is off by no more than .10; noise falls with
    compute as in `predict_larger`, so tiny runs are no cheap way out.
    """
    if fit.outcome is SurfaceOutcome.TOO_FEW_POINTS:
        raise ValueError(f"there is no law to improve yet: {fit.outcome}")
    noise = max(fit.noise, 1e-3)
    theta, x, y = centred_theta(fit.points, fit.surface)
    slopes = sensitivities(theta, x, y)
    most = (x + y).max()
    covariance = np.linalg.inv(slopes.T @ (slopes / _variance(noise, x + y - most)[:, None]) + np.diag(1 / PRIOR))
    which = 3 if covariance[3, 3] >= covariance[4, 4] else 4
    u, v = (w.ravel() for w in np.meshgrid(_reach(x), _reach(y)))
    affordable = u + v <= most + 1e-9
    u, v = u[affordable], v[affordable]
    rows = sensitivities(theta, u, v)
    gains = (rows @ covariance[:, which]) ** 2 / (_variance(noise, u + v - most) + np.einsum("ri,ij,rj->r", rows, covariance, rows))
    best = int(np.argmax(gains))
    size, length = np.exp(u[best] + np.log(fit.points.params).mean()), np.exp(v[best] + np.log(fit.points.tokens).mean())
    before, after = covariance[which, which], covariance[which, which] - gains[best]
    errors = float(np.sqrt(before)), float(np.sqrt(max(after, 0.0)))
    return IdentifyingRun(int(np.rint(size)), int(np.rint(length)), ("alpha", "beta")[which - 3], *errors)


def _variance(noise: float, log_compute: Floats) -> Floats:
    """Of a run's ln loss, by its compute below the largest."""
    return np.asarray(noise**2 * np.exp(-0.5 * log_compute))


def _reach(logs: Floats) -> Floats:
    return np.asarray(np.linspace(logs.min() - np.log(BEYOND), logs.max() + np.log(BEYOND), GRID))
