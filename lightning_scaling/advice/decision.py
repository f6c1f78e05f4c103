"""What one rule decides: a verdict with its reason, the sentence with the numbers, and how sure it is."""

from dataclasses import dataclass

from lightning_scaling.advice.result import Option
from lightning_scaling.advice.verdict import Reason, Verdict
from lightning_scaling.numbers import loss_interval


@dataclass(frozen=True)
class Decision:
    """A rule's answer; a rule that does not apply returns None instead."""

    verdict: Verdict
    reason: Reason
    because: str
    confidence: float = 1.0


def reach(option: Option) -> str:
    """Where an option ends, with its interval."""
    return loss_interval(option.loss, option.low, option.high) + (", measured on averaged weights" if option.basis == "measured" else "")
