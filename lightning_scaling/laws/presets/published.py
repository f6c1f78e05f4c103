"""A published law with where it was read: constants mean nothing without their provenance, their N and their tokenizer."""

from dataclasses import dataclass, field
from typing import Any

from lightning_scaling.laws.answers import Answer, answer
from lightning_scaling.laws.capabilities import AllocationLaw, LossLaw, WithSurface
from lightning_scaling.laws.presets.allocation import Allocation, PerTokenAllocation, Proportion
from lightning_scaling.laws.presets.kaplan import KaplanSlices
from lightning_scaling.laws.presets.multi_power import MultiPower
from lightning_scaling.laws.surface.surface import Optimum, Surface
from lightning_scaling.outcome import Outcome

_ALLOCATES = "it gives how large and how long to train, not the loss that is reached; take a law of L(N, D) such as besiroglu2024"
_NO_LOSS: dict[type, str] = {
    Allocation: _ALLOCATES,
    PerTokenAllocation: _ALLOCATES,
    Proportion: _ALLOCATES,
    KaplanSlices: "Kaplan's slices hold where one of N, D, C limits; for L(N, D) use kaplan2020_joint",
    MultiPower: "the multi-power law is of one model size over its schedule: call its loss(rates)",
}
_NO_OPTIMUM: dict[type, str] = {
    Proportion: "published as a proportion without an anchor, it places no optimum; take a law with one such as hoffmann2022",
    KaplanSlices: "Kaplan's slices place no optimum; use kaplan2020_allocation",
    MultiPower: "the multi-power law is of one model size and places no optimum",
}


class Provenance(Outcome):
    """How far the constants of a preset can be trusted."""

    PRIMARY = "read in the primary text or its authors' repository"
    SECONDARY = "read in several secondary sources that agree"
    REFITTED = "fitted again from the published points"
    UNVERIFIED = "not verified"


@dataclass(frozen=True)
class Preset:
    """A published law.

    Args:
        name: how it is asked for.
        law: the arithmetic.
        source: authors, year, where.
        provenance: how the constants were obtained.
        counts: which N: "total", "non_embedding", "FLOPs per token", or "" where the source does not state it.
        note: what a user must know before comparing it with another.
        errors: published standard errors or intervals of constants.
    """

    name: str
    law: LossLaw | AllocationLaw | Proportion | KaplanSlices | MultiPower
    source: str
    provenance: Provenance
    counts: str = "total"
    note: str = ""
    errors: dict[str, Any] = field(default_factory=dict)

    @property
    def predicts_loss(self) -> Answer:
        """Whether `predict` has an answer."""
        return answer(isinstance(self.law, LossLaw), _NO_LOSS.get(type(self.law), "this law predicts no loss"))

    @property
    def split_identified(self) -> Answer:
        """Whether `optimum` has an answer: how to split a budget between params and tokens."""
        return answer(isinstance(self.law, AllocationLaw), _NO_OPTIMUM.get(type(self.law), "this law places no optimum"))

    def predict(self, params: Any, tokens: Any) -> Any:
        """Loss at N params and D tokens; ValueError where the law knows no loss."""
        if isinstance(self.law, LossLaw):
            return self.law.predict(params, tokens)
        raise ValueError(self.predicts_loss.remedy)

    def optimum(self, flops: Any) -> Optimum:
        """The best N and D for `flops`; ValueError where the law places none."""
        if isinstance(self.law, AllocationLaw):
            return self.law.optimum(flops)
        raise ValueError(self.split_identified.remedy)


def surface_of(law: object) -> Surface | None:
    """The L(N, D) of five constants inside a preset, a fit or a law of repeated data; None for laws of another form."""
    inner = law.law if isinstance(law, Preset) else law
    while isinstance(inner, WithSurface):
        inner = inner.surface
    return inner if isinstance(inner, Surface) else None
