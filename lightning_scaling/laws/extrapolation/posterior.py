"""The average over forms, drifts and constants: importance sampling about the most likely law of each form and drift.

The samples are a fixed low-discrepancy set, so that the same runs give the same answer; each weighs by its posterior, and forms
and drifts by their evidence.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.extrapolation.drift import LogRuns, whitened
from lightning_scaling.laws.extrapolation.priors import DRIFT, DRIFT_SPREAD, DRIFTS, KAPPA_WEIGHTS, KAPPAS, LawPrior
from lightning_scaling.laws.extrapolation.search import Found, SearchTarget, log_shape, most_likely

SAMPLES = 128
# The proposal is a t distribution a little wider than the likely region, so that no weight runs away.
FREEDOM, WIDER = 5.0, 1.1
# The root of x^6 = x + 1 (M. Roberts 2018, "The unreasonable effectiveness of quasirandom sequences").
GOLDEN = 1.1347241384015194
# Samples that together weigh less than this are left out.
NEGLIGIBLE = 1e-7


@dataclass(frozen=True, eq=False)
class LawPosterior:
    """Weighted laws (s,) and what each predicts for m targets.

    Args:
        weight: (s,) summing to one; theta (s, 4), kappa (s,) the laws.
        mean: (s, m) ln loss; variance (s, m) of a new run about it.
        joint: (m, m) covariance of the drift and level between targets, averaged over laws.
        noise: standard deviation of a run at the largest compute.
        freedom: degrees of freedom of the noise.
    """

    weight: Floats
    theta: Floats
    kappa: Floats
    mean: Floats
    variance: Floats
    joint: Floats
    noise: float
    freedom: float

    @property
    def form_weights(self) -> dict[float, float]:
        """Weight of each kappa."""
        return {float(k): float(self.weight[self.kappa == k].sum()) for k in KAPPAS}

    @property
    def form_means(self) -> Floats:
        """(f, m) mean ln loss under each kappa that has a tenth of the weight or more."""
        kept = [self.kappa == k for k, weight in self.form_weights.items() if weight >= 0.1]
        return np.stack([self.weight[k] @ self.mean[k] / self.weight[k].sum() for k in kept])

    @property
    def covariance(self) -> Floats:
        """(m, m) covariance of ln loss between targets, without the noise of new runs."""
        off = self.mean - self.weight @ self.mean
        return np.asarray(off.T @ (self.weight[:, None] * off) + self.joint)


def posterior(runs: LogRuns, u: Floats, v: Floats, prior: LawPrior) -> LawPosterior:
    """What the runs predict for targets at centred logs u, v (m,)."""
    target = SearchTarget(runs, whitened(runs, u, v, DRIFTS), prior)
    theta, proposed = _proposal(most_likely(target, KAPPAS))
    kappa = np.broadcast_to(np.repeat(KAPPAS, SAMPLES), proposed.shape)
    miss = (runs.z - log_shape(theta, kappa, runs.x, runs.y)) @ np.swapaxes(target.white.whiten, 1, 2)
    level = (miss * target.white.level[:, None]).sum(-1)
    miss -= level[..., None] * target.white.level[:, None]
    noise = target.squares(miss) / target.freedom
    log_weight = -target.value(theta, miss) + target.white.log_density[:, None] - proposed
    log_weight += (
        np.log(np.repeat(KAPPA_WEIGHTS, SAMPLES)) - 0.5 * ((0.5 * np.log(DRIFTS[:, None] * noise) - np.log(DRIFT)) / DRIFT_SPREAD) ** 2
    )
    weight = np.exp(log_weight - log_weight.max())
    weight = np.where(weight > NEGLIGIBLE * weight.sum(), weight, 0.0)
    mean = (level / target.white.scale[:, None])[..., None] + log_shape(theta, kappa, u, v) + miss @ target.white.projected
    return _flat(target, weight / weight.sum(), theta, kappa, mean, noise)


def _flat(target: SearchTarget, weight: Floats, theta: Floats, kappa: Floats, mean: Floats, noise: Floats) -> LawPosterior:
    """The samples that count, from (k, s) by drift to (s,)."""
    white = target.white
    # A level known from the runs to 1/scale², as far as the drift does not carry it to the target already.
    open_level = (1 / white.scale)[:, None] - np.einsum("ki,kim->km", white.level, white.projected)
    joint = white.left + open_level[:, :, None] * open_level[:, None, :]
    variance = noise[..., None] * (1 + np.einsum("kmm->km", joint)[:, None])
    together = np.einsum("k,kij->ij", (weight * noise).sum(1), joint)
    kept = weight > 0
    spread = float(np.sqrt((weight * noise).sum()))
    return LawPosterior(weight[kept], theta[kept], kappa[kept], mean[kept], variance[kept], together, spread, target.freedom)


def _proposal(found: Found) -> tuple[Floats, Floats]:
    """Samples theta (k, f·s, 4) by drift, form after form, and the log density of their proposal (k, f·s)."""
    normal, scaling = _cube()
    spread = np.linalg.cholesky(found.covariance)
    t = WIDER * normal / np.sqrt(scaling)[:, None]
    density = -0.5 * (FREEDOM + 4) * np.log1p((t**2).sum(1) / WIDER**2 / FREEDOM)
    theta = found.theta[:, :, None] + t @ np.swapaxes(spread, -1, -2)
    density = density - np.log(np.einsum("fkii->fki", spread)).sum(-1)[..., None]
    drifts = len(DRIFTS)
    return np.swapaxes(theta, 0, 1).reshape(drifts, -1, 4), np.swapaxes(density, 0, 1).reshape(drifts, -1)


@cache
def _cube() -> tuple[Floats, Floats]:
    """Normal deviates (s, 4) and the chi-square scale (s,) of a t distribution, at the points of Roberts' R sequence."""
    from scipy.special import chdtri, ndtri

    cube = (0.5 + np.arange(1, SAMPLES + 1)[:, None] * GOLDEN ** -np.arange(1.0, 6.0)) % 1.0
    return np.asarray(ndtri(cube[:, :4])), np.asarray(chdtri(FREEDOM, 1 - cube[:, 4]) / FREEDOM)
