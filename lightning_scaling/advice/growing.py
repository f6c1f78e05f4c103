"""What a model of the best size would reach for the same compute, and whether this run is over- or under-trained for its size.

A law (fitted or published) is used for proportions only: its loss at this run's size and tokens is brought to this run's own by one factor.
Without a law, three or more finished siblings give loss over compute (Kaplan et al. 2020, eq. 1.3) and a line of size over compute. "The
same compute" means the same N·D: a law counts k·N·D FLOPs by its own rule, a run by another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.laws.capabilities import AllocationLaw, LossLaw, flops_per, name_of
from lightning_scaling.laws.presets.presets import Preset, preset
from lightning_scaling.run.curve import Curve

DEFAULT = "besiroglu2024"
LAW_SPREAD = 0.02  # relative error of a law at a size that has not been trained: mean 1.8 to 2.2 % per family on real runs
FEWEST = 3  # siblings


@dataclass(frozen=True)
class Larger:
    """The model that `flops` would train best, from nothing.

    Args:
        params, tokens, loss: its size, its data, and the loss it reaches on this run's scale, with an interval.
        basis: the law's name, or the siblings.
        own: the law comes from the user's runs or choice, so that it may decide a verdict.
    """

    params: float
    tokens: float
    loss: float
    low: float
    high: float
    basis: str
    own: bool


def as_law(law: str | AllocationLaw) -> AllocationLaw:
    """A law as it is, a preset by its name; ValueError for what places no optimum."""
    found = preset(law) if isinstance(law, str) else law
    if isinstance(found, Preset) and not found.split_identified:
        raise ValueError(f"the law {found.name!r} cannot advise on a size: {found.split_identified.remedy}")
    if not isinstance(found, AllocationLaw):
        raise ValueError(
            f"a law has optimum(flops) and where it knows losses predict(params, tokens), or is a preset's name; got {found!r}"
        )
    return found


def larger_model(
    curve: Curve, tokens: float, reached: float, flops: float, law: str | AllocationLaw | None = None, siblings: Sequence[Curve] = ()
) -> Larger | None:
    """What the compute of this run would buy from nothing, given that it reaches `reached` at `tokens`. None without params.

    Args:
        flops: what `tokens` cost this run, by its own rule.

    >>> run = Curve([1e9], [6.0], params=1000)
    >>> best = larger_model(run, 1e9, 6.0, 6e12, law="besiroglu2024")
    >>> best.params > 100_000, best.loss < 6.0
    (True, True)
    """
    if curve.params is None:
        return None
    own_rate = flops / (curve.params * tokens)
    if law is None and (line := _siblings_line(siblings, flops, own_rate)):
        return line
    chosen = as_law(law if law is not None else DEFAULT)
    predicting = _predicting(chosen)
    if predicting is None:
        return None
    best = chosen.optimum(flops * flops_per(chosen) / own_rate)
    loss = float(best.loss) * reached / float(predicting.predict(curve.params, tokens))
    if not np.isfinite(loss):
        return None
    low, high = loss * (1 - 2 * LAW_SPREAD), loss * (1 + 2 * LAW_SPREAD)
    return Larger(float(best.params), float(best.tokens), loss, low, high, name_of(chosen), law is not None)


def _predicting(law: AllocationLaw) -> LossLaw | None:
    """The law where it knows losses, not the split of compute alone."""
    if isinstance(law, Preset) and not law.predicts_loss:
        return None
    return law if isinstance(law, LossLaw) else None


def _siblings_line(siblings: Sequence[Curve], flops: float, rate: float) -> Larger | None:
    ends = [(c.params, float(c.tokens[-1]), float(np.nanmin(c.loss[-5:]))) for c in siblings if c.params and np.isfinite(c.loss[-5:]).any()]
    if len({params for params, _, _ in ends}) < FEWEST:
        return None
    from lightning_scaling.laws.frontier.frontier import fit_frontier

    params, tokens, loss = (np.array(v, dtype=np.float64) for v in zip(*ends, strict=True))
    spent = rate * params * tokens
    fit = fit_frontier(spent, loss)
    if not fit.exponent > 0:
        return None
    # Three sizes do not identify a floor: the truth lies between the law without one and the law with one.
    forms = [float(v) for form in ("power", "floor") if np.isfinite(v := fit.predict(flops, form))]
    low, high = (float(v) for v in fit.band(flops))
    interval = (min(low, *forms), max(high, *forms))
    slope, start = np.polyfit(np.log(spent), np.log(params), 1)
    size = float(np.exp(start + slope * np.log(flops)))
    return Larger(size, flops / (rate * size), float(np.mean(forms)), *interval, basis=f"{len(ends)} siblings", own=True)


def allocation(curve: Curve, tokens: float, law: str | AllocationLaw) -> dict[str, Any]:
    """Facts, not orders: tokens per parameter of this run at `tokens` beside the optimum's for the same compute, with its interval."""
    if curve.params is None:
        return {}
    chosen = as_law(law)
    budget = flops_per(chosen) * curve.params * tokens
    best = chosen.optimum(budget)
    facts: dict[str, Any] = {"tokens_per_param": tokens / curve.params, "law": name_of(chosen)}
    if not np.isfinite(best.params):
        return facts
    facts |= {"best_params": float(best.params), "best_tokens_per_param": float(best.tokens / best.params)}
    interval = best.params_interval or (best.params / 2, best.params * 2)
    facts["sizing"] = _sizing(curve.params, interval)
    if best.params_interval is not None:
        ratios = [float(curve.params * tokens / (n * n)) for n in interval]
        facts["best_tokens_per_param_interval"] = (min(ratios), max(ratios))
    return facts


def _sizing(params: float, interval: tuple[float, float]) -> str:
    if params < interval[0]:
        return "over-trained: a larger model on fewer tokens is the compute-optimal use"
    return "under-trained: a smaller model on more tokens is the compute-optimal use" if params > interval[1] else "compute-optimal"
