"""What a law can do, as protocols: predict a loss, place an optimum, hold a surface; and its name and the cost of a token."""

from typing import Any, Protocol, runtime_checkable

from lightning_scaling.laws.surface.surface import Optimum
from lightning_scaling.units import FLOPS_PER_PARAM_AND_TOKEN


@runtime_checkable
class LossLaw(Protocol):
    """Predicts the loss of a model size and a number of tokens."""

    def predict(self, params: Any, tokens: Any) -> Any:
        """Loss at N params and D tokens."""


@runtime_checkable
class AllocationLaw(Protocol):
    """Splits a compute budget between params and tokens."""

    def optimum(self, flops: Any) -> Optimum:
        """The best N and D for `flops`."""


@runtime_checkable
class WithSurface(Protocol):
    """Holds a law of L(N, D) inside: a fit, a law of repeated data."""

    @property
    def surface(self) -> object:
        """The law inside."""


def name_of(law: object) -> str:
    """The law's name, or that of its class."""
    return str(getattr(law, "name", type(law).__name__))


def flops_per(law: object) -> float:
    """FLOPs per param and token in the budgets of this law.

    >>> flops_per(object())
    6.0
    """
    return float(getattr(law, "flops_per", FLOPS_PER_PARAM_AND_TOKEN))
