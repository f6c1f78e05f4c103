"""The best use of a budget by fitted and published laws: parameters, tokens and loss with their intervals, as numbers and as text."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.laws.capabilities import AllocationLaw, name_of
from lightning_scaling.laws.presets.presets import Preset, preset
from lightning_scaling.laws.surface.surface import Optimum
from lightning_scaling.report.rows import RunRow

# Published laws shown beside the fitted one: two that grow N and D alike, one that trains longer, and the one that grows the model.
BESIDE = ("besiroglu2024", "hoffmann2022", "muennighoff2023", "llama3_2024", "kaplan2020_allocation")


@dataclass(frozen=True)
class AllocationText:
    """The best use of a budget by one law, as text."""

    law: str
    budget: str
    flops: float
    params: str
    params_interval: str
    tokens: str
    tokens_interval: str
    tokens_per_param: str
    loss: str
    loss_interval: str

    @property
    def compute(self) -> str:
        """The budget in FLOPs."""
        return numbers.scientific(self.flops)


def allocation(law: AllocationLaw, flops: float, budget: str) -> AllocationText:
    """N_opt, D_opt and their loss at `flops`; the loss of a published law is of other data and tokens, and is left out."""
    best = law.optimum(flops)
    loss = None if isinstance(law, Preset) else best.loss
    return AllocationText(
        law=law_name(law),
        budget=budget,
        flops=flops,
        params=numbers.count(best.params),
        params_interval=bounded(*interval_of(best, "params"), numbers.count),
        tokens=numbers.count(best.tokens),
        tokens_interval=bounded(*interval_of(best, "tokens"), numbers.count),
        tokens_per_param=numbers.count(best.tokens / best.params),
        loss=numbers.loss(loss),
        loss_interval=numbers.between(*interval_of(best, "loss"), numbers.loss),
    )


def allocations(runs: Sequence[RunRow], law: AllocationLaw, beside: Sequence[Preset] = ()) -> list[AllocationText]:
    """For each budget the fitted law; for the larger one also those beside it that place an optimum."""
    placing = [each for each in beside if each.split_identified]
    return [
        allocation(each, flops, budget) for rank, (flops, budget) in enumerate(budgets(runs)) for each in (law, *(placing if rank else ()))
    ]


def budgets(runs: Sequence[RunRow]) -> list[tuple[float, str]]:
    """The compute of the largest run and ten times that; none without a counted run."""
    most = max((r.flops for r in runs), default=0.0)
    return [(most, "the largest run"), (10 * most, "ten times as much")] if most > 0 else []


def published() -> list[Preset]:
    """The presets a report shows beside the fitted law."""
    return [preset(name) for name in BESIDE]


def law_name(law: object) -> str:
    """A law's name as people write it.

    >>> law_name(preset("kaplan2020_allocation")), law_name(preset("llama3_2024"))
    ('Kaplan 2020 allocation', 'Llama 3 2024')
    """
    name = name_of(law)
    if not isinstance(law, Preset):
        return name
    spaced = re.sub(r"(?<=[a-z])(?=\d)", " ", name).replace("_", " ")
    return spaced[:1].upper() + spaced[1:]


def values_over(law: AllocationLaw, flops: Any, quantity: str) -> Any:
    """The optimum's "params", "tokens" or "loss" at each of `flops`."""
    return np.array([getattr(law.optimum(float(c)), quantity) for c in np.ravel(flops)], dtype=float)


def band_over(law: AllocationLaw, flops: Any, quantity: str) -> tuple[Any, Any] | None:
    """(low, high) arrays of the optimum's "params", "tokens" or "loss" over `flops`; None for a law without intervals."""
    pairs = [interval_of(law.optimum(float(c)), quantity) for c in np.ravel(flops)]
    if any(low is None for low, _ in pairs):
        return None
    edges = np.array(pairs, dtype=float)
    return edges[:, 0], edges[:, 1]


def interval_of(best: Optimum, quantity: str) -> tuple[float | None, float | None]:
    """The interval of one quantity of an optimum, (None, None) where its law has none."""
    pair = {"params": best.params_interval, "tokens": best.tokens_interval, "loss": best.loss_interval}[quantity]
    return (None, None) if pair is None else (float(pair[0]), float(pair[1]))


def bounded(low: float | None, high: float | None, write: Callable[[float | None], str]) -> str:
    """An interval as text; one over more than four decades means only that the runs do not bound the quantity."""
    if low and high and high > 1e4 * low:
        return "not bounded"
    return numbers.between(low, high, write)
