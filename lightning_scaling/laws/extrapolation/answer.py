"""Prediction and interval at targets from the average over laws, what explains them, and the one run that would narrow them most."""

from dataclasses import dataclass

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.arrays import Floats
from lightning_scaling.laws.extrapolation.drift import LogRuns
from lightning_scaling.laws.extrapolation.posterior import LawPosterior, posterior
from lightning_scaling.laws.extrapolation.priors import LawPrior
from lightning_scaling.laws.outcomes import LargerOutcome
from lightning_scaling.units import pf_days, training_flops

# Beside the spread of the average over laws, scaled by the prior's margin, an interval has a deviation of GROWTH times the square of the
# e-folds of compute beyond the runs: .6 % of the loss at ten times the largest compute, 2.3 % at a hundred. Families of published runs that
# miss end below the prediction (small runs are tuned less well than large ones), so the lower end gets more of it than the upper.
GROWTH, LOWER, UPPER = 0.0011, 1.5, 1.0
FAR = 100.0
HALVINGS = 45
# Runs of at most this share of the target's compute are proposed.
DEAREST = 1 / 3
STEPS = 7
# A run is worth proposing where it takes a tenth off the interval.
LEAST = 0.1


@dataclass(frozen=True)
class Shorten:
    """A run to train first: its size, length and cost, and the width of the interval after it over the width before."""

    params: int
    tokens: int
    flops: int
    pf_days: float
    width_left: float

    def __str__(self) -> str:
        left = f"brings this interval to {100 * self.width_left:.0f} % of its width"
        how = "halves this interval" if 0.45 <= self.width_left <= 0.55 else left
        ratio = self.tokens / self.params
        return (
            f"one run of {numbers.scientific(self.flops)} FLOPs at {numbers.count(ratio)} tokens per parameter "
            f"({numbers.count(self.params)} parameters) {how}: {numbers.pf_days(self.pf_days)}"
        )


def candidates(runs: LogRuns, u: float, v: float) -> tuple[Floats, Floats]:
    """Runs (c,) at the target's ratio of tokens to parameters, from the largest compute so far to a third of the target's."""
    top = (runs.x + runs.y).max()
    steps = np.linspace(top, max(u + v + np.log(DEAREST), top), STEPS)
    return np.asarray(u - 0.5 * (u + v - steps)), np.asarray(v - 0.5 * (u + v - steps))


def shorten(runs: LogRuns, found: LawPosterior, u: Floats, v: Floats, centre: tuple[float, float]) -> Shorten | None:
    """The cheapest candidate that halves the interval of the first target of `found`, else the one that narrows it most."""
    covariance, noise = found.covariance, found.noise**2
    before = covariance[0, 0] + noise
    after = before - covariance[0, 1:] ** 2 / (np.diag(covariance)[1:] + noise)
    left = np.sqrt(np.maximum(after, 0.0) / before)
    if left.min() > 1 - LEAST:
        return None
    best = int(np.argmax(left <= 0.5)) if (left <= 0.5).any() else int(np.argmin(left + 1e-3 * np.arange(len(left))))
    size, length = (int(np.rint(np.exp(w[best] + c))) for w, c in zip((u, v), centre, strict=True))
    flops = training_flops(size, length)
    return Shorten(size, length, flops, pf_days(flops), float(left[best]))


@dataclass(frozen=True, eq=False)
class Answer:
    """ln loss (m,) at targets: middle and interval."""

    middle: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class Summary:
    """What is stated beside the numbers: fields of `Larger`, which describes them."""

    outcome: LargerOutcome
    because: str
    exponents: tuple[float, float] = (float("nan"), float("nan"))
    floor_share: float = float("nan")
    forms: dict[float, float] | None = None
    shorten: Shorten | None = None


def answer(runs: LogRuns, u: Floats, v: Floats, prior: LawPrior, level: float) -> Answer:
    """For targets at centred logs u, v (m,); ln loss relative to the unit of the runs."""
    found = posterior(runs, u, v, prior)
    middle = found.weight @ found.mean
    growth = GROWTH * beyond(runs, u, v) ** 2
    low, high = (
        quantile(found, 0.5 + side * level / 2, prior.margin, np.hypot(share * growth, prior.least))
        for side, share in ((-1, LOWER), (1, UPPER))
    )
    return Answer(middle, middle + np.minimum(low - middle, 0.0), middle + np.maximum(high - middle, 0.0))


def beyond(runs: LogRuns, u: Floats, v: Floats) -> Floats:
    """(m,) e-folds of compute beyond the largest run."""
    return np.asarray(np.maximum(u + v - (runs.x + runs.y).max(), 0.0))


def quantile(found: LawPosterior, share: float, margin: float, deviation: Floats) -> Floats:
    """(m,) quantile of the mixture, its spread scaled by `margin`, with a further `deviation` (m,) of each run; by bisection."""
    from scipy.special import ndtr, ndtri, stdtrit

    middle = found.weight @ found.mean
    heavier = stdtrit(max(found.freedom - 2, 1), share) / ndtri(share) if share != 0.5 else 1.0
    spread = heavier * np.sqrt(margin**2 * found.variance + deviation**2)
    away = margin * (found.mean - middle)
    reach = 12 * np.sqrt(found.weight @ (spread**2 + away**2))
    low, high = -reach, reach
    for _ in range(HALVINGS):
        half = 0.5 * (low + high)
        below = found.weight @ ndtr((half - away) / spread) < share
        low, high = np.where(below, half, low), np.where(below, high, half)
    return np.asarray(middle + 0.5 * (low + high))


def summary(runs: LogRuns, u: float, v: float, prior: LawPrior, centre: tuple[float, float], factor: float) -> Summary:
    """The outcome and the numbers behind it at one target, and the run that would shorten the distance to it."""
    more_u, more_v = candidates(runs, u, v)
    found = posterior(runs, np.r_[u, more_u], np.r_[v, more_v], prior)
    floor = 1 / (1 + np.exp(-found.theta[:, 0]))
    exponents = found.weight @ np.exp(found.theta[:, 2:])
    forms = found.form_weights
    kappa = max(forms, key=lambda k: forms[k])
    share = float(found.weight @ floor)
    because = f"floor {100 * share:.0f} % of the loss at their centre, exponents {exponents[0]:.2f} of N and {exponents[1]:.2f} of D"
    if kappa != 1.0:
        because += f", form (A/N^a + B/D^b)^{kappa:g} most likely ({100 * forms[kappa]:.0f} %)"
    nearer = shorten(runs, found, more_u, more_v, centre) if factor > 1 else None
    return Summary(_outcome(found, factor), because, (float(exponents[0]), float(exponents[1])), share, forms, nearer)


def _outcome(found: LawPosterior, factor: float) -> LargerOutcome:
    if factor <= 1:
        return LargerOutcome.INSIDE
    if factor > FAR:
        return LargerOutcome.FAR
    apart = np.ptp(found.form_means[:, 0])
    spread = np.sqrt(found.weight @ found.variance[:, 0])
    return LargerOutcome.LAWS_DISAGREE if apart > spread else LargerOutcome.PREDICTED
