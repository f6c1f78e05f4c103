"""The optimum when the model will also be served (Sardana et al. 2024, arXiv 2401.00448): minimise 6·N·D + 2·N·S for S served tokens.

Where a law counts k FLOPs per param and token of training (`flops_per`), serving costs a third of it: the forward pass.

This is LLaMA's trade: a smaller model trained for longer than the compute-optimal one costs more to train and less to serve.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.surface.surface import Surface
from lightning_scaling.units import FLOPS_PER_PARAM_AND_TOKEN as TRAIN

FORWARD = 1 / 3  # share of the forward pass in the FLOPs of training
SERVE = TRAIN * FORWARD  # FLOPs per param and token of serving
# Model sizes are searched over this many e-folds below and above the compute-optimal one, then between the best one's neighbours.
BELOW, ABOVE, GRID, ZOOMS = 12.0, 3.0, 301, 6


@dataclass(frozen=True)
class ServedOptimum:
    """Params and tokens for a life of training and serving; FLOPs of each part; all floats or arrays of one length."""

    params: Any
    tokens: Any
    loss: Any
    training_flops: Any
    serving_flops: Any

    @property
    def total_flops(self) -> Any:
        """Training plus serving."""
        return self.training_flops + self.serving_flops

    @property
    def tokens_per_param(self) -> Any:
        """D/N."""
        return self.tokens / self.params


def tokens_for(law: Surface, params: Any, loss: float) -> Floats:
    """Tokens that bring a model of `params` to `loss`; inf where it never gets there."""
    left = loss - law.E - law.A * np.asarray(params, dtype=np.float64) ** -law.alpha
    with np.errstate(divide="ignore", over="ignore"):
        return np.where(left > 0, (law.B / np.maximum(left, 1e-300)) ** (1 / law.beta), np.inf)


def for_loss(law: Surface, loss: float, served: float, flops_per: float = TRAIN) -> ServedOptimum:
    """The cheapest life of a model that reaches `loss` and serves `served` tokens.

    >>> from lightning_scaling.laws.presets.presets import preset
    >>> law = preset("hoffmann2022").law
    >>> served = for_loss(law, 2.0, 1e13)
    >>> served.params < for_loss(law, 2.0, 0).params
    True
    """
    if not loss > law.E:
        raise ValueError(f"a loss of {loss:g} lies below the irreducible loss {float(law.E):.4g} of this law: no model reaches it")
    _check_served(served)
    smallest = float(np.log(law.A / (loss - law.E)) / law.alpha)
    params = _search(lambda n: flops_per * n * (tokens_for(law, n, loss) + FORWARD * served), smallest, smallest + 12.0)
    return _life(law, params, float(tokens_for(law, params, loss)), served, flops_per)


def for_budget(law: Surface, flops: float, served: float) -> ServedOptimum:
    """The lowest loss that `flops` buy for training and serving `served` tokens together."""
    _check_served(served)

    def loss(params: Floats) -> Floats:
        tokens = (flops / params - SERVE * served) / TRAIN
        return np.where(tokens > 0, law.predict(params, np.maximum(tokens, 1e-300)), np.inf)

    middle = float(np.log(law.optimum(flops).params))
    params = _search(loss, middle - BELOW, middle + ABOVE)
    if not np.isfinite(loss(np.asarray(params))):
        raise ValueError(f"{flops:.3g} FLOPs are too few to serve {served:.3g} tokens: even tiny models would leave nothing for training")
    return _life(law, params, float((flops / params - SERVE * served) / TRAIN), served)


def trade(law: Surface, flops: float, served: float, smaller: Any = None) -> ServedOptimum:
    """LLaMA's trade as a curve: models of `smaller` (k,) times the compute-optimal size, each trained to the loss `flops` buy at best.

    The first entry is the compute-optimal model itself when `smaller` is left out (1 down to where the size no longer gets there).
    """
    _check_served(served)
    best = law.optimum(flops)
    shares = np.geomspace(1.0, 0.2, 33) if smaller is None else np.asarray(smaller, dtype=np.float64)
    params = shares * best.params
    tokens = tokens_for(law, params, best.loss)
    reached = np.isfinite(tokens)
    return _life(law, params[reached], tokens[reached], served)


def _life(law: Surface, params: Any, tokens: Any, served: float, flops_per: float = TRAIN) -> ServedOptimum:
    return ServedOptimum(params, tokens, law.predict(params, tokens), flops_per * params * tokens, FORWARD * flops_per * params * served)


def _search(cost: Any, low: float, high: float) -> float:
    # The cost has one minimum over ln N; a grid zoomed in six times finds it to 1e-10 without derivatives.
    for _ in range(ZOOMS):
        sizes = np.linspace(low, high, GRID)
        best = int(np.argmin(cost(np.exp(sizes))))
        low, high = sizes[max(best - 1, 0)], sizes[min(best + 1, GRID - 1)]
    return float(np.exp(0.5 * (low + high)))


def _check_served(served: float) -> None:
    if not (np.isfinite(served) and served >= 0):
        raise ValueError(f"served tokens must be zero or more, got {served}")
