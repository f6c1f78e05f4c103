"""What is assumed of a law before its runs are seen: the floor's share of the loss, the exponents, the forms and the drift.

The floor's share decides far extrapolation, and few sweeps show it. The published laws of token-level log losses (Hoffmann et al. 2022,
Besiroglu et al. 2024, Muennighoff et al. 2023) have floors of .54 to .61 of the loss at the centre of an ordinary sweep. Other losses
(errors, squared errors, probabilities) have floors anywhere, so there the prior is broad.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from lightning_scaling.arrays import Floats

LossKind = Literal["token_log_loss", "other"]
# Nats or bits a token of a text model lie in this range; a loss that leaves it is taken for another kind unless its owner states the kind.
LOWEST_TOKEN_LOSS, HIGHEST_TOKEN_LOSS = 1.5, 16.0


@dataclass(frozen=True)
class LawPrior:
    """Means and standard deviations of theta = (logit e, logit w, ln a, ln b), and in words where the floor's share comes from.

    `margin` scales the spread of the average over laws, `least` is a deviation of a new run that no interval leaves out; both were chosen
    with each family of published runs left out in turn (benchmarks/larger_families.py).
    """

    mean: tuple[float, float, float, float]
    spread: tuple[float, float, float, float]
    source: str
    margin: float = 0.6
    least: float = 0.003


TOKEN_LOG_LOSS = LawPrior(
    (0.3, 0.0, np.log(0.40), np.log(0.40)), (0.3, 0.6, 0.3, 0.3), "a floor of about .57 of the loss, as token-level log losses have"
)
OTHER_LOSS = LawPrior((-0.7, 0.0, np.log(0.42), np.log(0.42)), (1.0, 0.6, 0.6, 0.6), "a floor anywhere below the loss", 0.85, 0.0)
# Deviations of the floor's prior from which on the runs contradict it; published families reach 2.2.
SURPRISING = 2.5
# Forms E + (A/N^a + B/D^b)^kappa and their prior weights: published sweeps follow 1 mostly, .4 to .5 some.
KAPPAS: Floats = np.array([2.0, 1.0, 0.7, 0.45])
KAPPA_WEIGHTS: Floats = np.array([0.1, 0.6, 0.2, 0.1])
# Variance of the drift over that of the noise; its deviation is about 1.35 % of the loss, within a factor e^.9.
DRIFTS: Floats = np.array([0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0])
DRIFT, DRIFT_SPREAD = 0.0135, 0.9
# Two trainings of one configuration differ by .03 to .8 % with the size of the model; worth two points of evidence about the noise.
NOISE, NOISE_WEIGHT = 3e-3, 2.0
# Variance of the noise ∝ C^-FALL.
FALL = 0.35


def recognised(loss: Floats) -> LossKind:
    """The kind of loss that these values look like."""
    return "token_log_loss" if loss.min() >= LOWEST_TOKEN_LOSS and loss.max() <= HIGHEST_TOKEN_LOSS else "other"


def prior_for(kind: LossKind, floor_share: float | None = None) -> LawPrior:
    """The prior for a kind of loss; with `floor_share` (the owner's floor over the loss at the centre) the floor is held there."""
    if kind not in ("token_log_loss", "other"):
        raise ValueError(f"loss_kind must be 'token_log_loss' or 'other', got {kind!r}")
    base = TOKEN_LOG_LOSS if kind == "token_log_loss" else OTHER_LOSS
    if floor_share is None:
        return base
    logit = float(np.log(floor_share / (1 - floor_share)))
    return replace(base, mean=(logit, *base.mean[1:]), spread=(0.02, *base.spread[1:]), source="the floor given")


def reconsidered(prior: LawPrior, floor_share: float) -> LawPrior:
    """With a floor anywhere, where the runs put its share (the posterior mean) far out of the prior; else the same prior."""
    off = abs(np.log(floor_share / (1 - floor_share)) - prior.mean[0]) / prior.spread[0]
    if prior.source != TOKEN_LOG_LOSS.source or not off > SURPRISING:
        return prior
    return replace(
        prior, spread=(OTHER_LOSS.spread[0], *prior.spread[1:]), source=f"{OTHER_LOSS.source}, as these runs contradict {prior.source}"
    )
