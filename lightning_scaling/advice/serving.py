"""Keep adding data or grow, when the model will also be served: LLaMA's trade (Sardana et al. 2024, arXiv 2401.00448).

Training this model on to the target costs more than training a larger one to it, serving it costs less: 2·N FLOPs a token. They break even
at a number of served tokens; beyond it the smaller, longer-trained model is the cheaper one to have made.
"""

from dataclasses import dataclass

import numpy as np

from lightning_scaling.advice.growing import as_law
from lightning_scaling.laws.capabilities import AllocationLaw, name_of
from lightning_scaling.laws.presets.inference import SERVE, ServedOptimum, for_loss, tokens_for
from lightning_scaling.laws.presets.presets import surface_of
from lightning_scaling.laws.surface.surface import Surface
from lightning_scaling.run.curve import Curve
from lightning_scaling.units import training_flops


@dataclass(frozen=True)
class Trade:
    """Args:
    params: of the model there is.
    keep_tokens: tokens at which this model reaches the target, inf where it never does.
    keep_flops: what is still to be spent on it, training and serving.
    grow_params, grow_tokens, grow_flops: the model that is cheapest over its life if trained from nothing, and its cost.
    break_even: served tokens from which keeping is cheaper than the larger compute-optimal model; 0 where it always is, inf where never.
    """

    params: float
    keep_tokens: float
    keep_flops: float
    grow_params: float
    grow_tokens: float
    grow_flops: float
    break_even: float

    @property
    def keep(self) -> bool:
        """Whether to keep adding data to this model: it is cheaper, or only a smaller one would be cheaper still."""
        return self.keep_flops <= self.grow_flops or (self.grow_params <= self.params and np.isfinite(self.keep_tokens))


def trade(curve: Curve, now: float, target: float, served: float, law: str | AllocationLaw) -> Trade:
    """Weigh training on against growing, for a model at level `now` that shall reach `target` and answer `served` tokens.

    Args:
        law: a surface or preset with a loss; it is brought to this run's scale at its last point.

    Raises:
        ValueError: no params, or a target below the law's irreducible loss.

    >>> run = Curve([1e12], [2.0364], params=7_000_000_000)
    >>> none, much = (trade(run, 2.0364, 1.95, served, "hoffmann2022") for served in (0, 1e14))
    >>> none.keep, much.keep, f"{much.break_even:.2g}"
    (False, True, '1e+13')
    """
    if curve.params is None:
        raise ValueError("the trade between training and serving needs the number of parameters: give the curve's params")
    surface = _surface(law)
    tokens = float(curve.tokens[-1])
    aim = target * float(surface.predict(curve.params, tokens)) / now
    needed = float(tokens_for(surface, curve.params, aim))
    training = float(training_flops(curve.params, max(needed - tokens, 0.0)))
    best, cheapest = for_loss(surface, aim, served), for_loss(surface, aim, 0.0)
    keep = training + SERVE * curve.params * served
    even = _break_even(training, curve.params, cheapest)
    return Trade(curve.params, needed, keep, best.params, best.tokens, float(best.total_flops), even)


def _break_even(training: float, params: float, other: ServedOptimum) -> float:
    """Served tokens at which this model's dearer training is paid back by its cheaper serving."""
    dearer, cheaper = training - float(other.training_flops), SERVE * (float(other.params) - params)
    if dearer <= 0:
        return 0.0 if cheaper >= 0 else float(dearer / cheaper)
    return float(dearer / cheaper) if cheaper > 0 and np.isfinite(dearer) else float("inf")


def _surface(law: str | AllocationLaw) -> Surface:
    """The surface inside a law: presets and laws of repeated data wrap one."""
    found = as_law(law)
    surface = surface_of(found)
    if surface is None:
        raise ValueError(f"the law {name_of(found)!r} has no L(N, D) of five constants: take one that has, e.g. besiroglu2024")
    return surface
