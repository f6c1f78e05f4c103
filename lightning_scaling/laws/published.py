"""A published law with where it was read: constants mean nothing without their provenance, their N and their tokenizer."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from lightning_scaling.laws.surface import Optimum
from lightning_scaling.outcome import Outcome


class Law(Protocol):
    """Anything that predicts a loss and places an optimum; raises ValueError for what it does not know."""

    def predict(self, params: Any, tokens: Any) -> Any:
        """Loss at N params and D tokens."""

    def optimum(self, flops: Any) -> Optimum:
        """The best N and D for `flops`."""


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
        counts: which N: "total", "non_embedding", "FLOPs per token", or "" where not said.
        note: what a user must know before comparing it with another.
        errors: published standard errors or intervals of constants.
    """

    name: str
    law: Law
    source: str
    provenance: Provenance
    counts: str = "total"
    note: str = ""
    errors: dict[str, Any] = field(default_factory=dict)

    def predict(self, params: Any, tokens: Any) -> Any:
        """Loss at N params and D tokens; ValueError where the law knows no loss."""
        return self.law.predict(params, tokens)

    def optimum(self, flops: Any) -> Optimum:
        """The best N and D for `flops`; ValueError where the law places none."""
        return self.law.optimum(flops)
