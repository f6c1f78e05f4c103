"""What training on a batch costs in FLOPs, by a named rule that is stored with the run.

"6N": six operations per parameter and token (Kaplan et al. 2020, section 2.1). "6N+attention": the same for the matrices that are really
multiplied, and the products of attention, which for a 124M GPT at 4096 tokens are a third of all. "measured": counted once on the model.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

from lightning_scaling.accounting import attention as attending
from lightning_scaling.accounting.measured import Measured, measure_step
from lightning_scaling.accounting.recompute import recomputed_share
from lightning_scaling.accounting.tokens import TokenCountError, TokenRule, measure
from lightning_scaling.accounting.work import Work, of_count, of_weights
from lightning_scaling.outcome import Outcome

RULES = ("6N", "6N+attention", "measured")


class FlopsOutcome(Outcome):
    """Whether the rule that was asked for is the one that counts."""

    AS_ASKED = "FLOPs are counted by the rule that was asked for"
    MIXTURE = "FLOPs are counted by the rule that was asked for, but the model looks like a mixture of experts: declare active_params="
    ATTENTION_UNKNOWN = (
        "the attention layers were not recognised, so FLOPs are counted as 6N without attention; "
        "declare them: layers= and attention_width= (heads × head size)"
    )
    NO_ATTENTION = "no attention layers were recognised, so FLOPs are counted as 6N; flops='measured' counts other models too"
    NOT_MEASURED = "the training step could not be counted on a copy without data, so FLOPs are counted as 6N; give flops=callable(batch)"
    COUNTED_NOTHING = "the counter saw no products in the training step, so FLOPs are counted as 6N; give flops=callable(batch)"


# Model and hardware FLOPs of a batch, from its tokens, the length of its sequences and the batch itself.
Cost = Callable[[int, int | None, Any], tuple[int, int]]


@dataclass(frozen=True)
class FlopsRule:
    """A rule that counts.

    Args:
        name: the rule in force: "6N", "6N+attention", "measured" or "given".
        outcome: whether it is the one that was asked for, and if not why not.
        cost: model and hardware FLOPs of a batch.
        note: details for a log, e.g. why a step could not be measured.
    """

    name: str
    cost: Cost = field(repr=False)
    outcome: FlopsOutcome = FlopsOutcome.AS_ASKED
    note: str = ""

    @property
    def fell_back(self) -> bool:
        """Whether another rule than the one asked for is in force."""
        return self.outcome not in (FlopsOutcome.AS_ASKED, FlopsOutcome.MIXTURE)

    def flops(self, tokens: int, length: int | None = None, batch: Any = None) -> int:
        """Model FLOPs of training on a batch: what the arithmetic needs, without anything computed twice."""
        return self.cost(tokens, length, batch)[0]

    def hardware_flops(self, tokens: int, length: int | None = None, batch: Any = None) -> int:
        """The same with what activation checkpointing computes again."""
        return self.cost(tokens, length, batch)[1]


def flops_rule(
    rule: str | Callable[[Any], int],
    module: Any,
    params: int,
    *,
    batch: Any = None,
    tokens: TokenRule = None,
    mask: bool = False,
    active_params: int | None = None,
    layers: int | None = None,
    attention_width: int | None = None,
    window: attending.Window = None,
    recomputed: float | None = None,
) -> FlopsRule:
    """The rule by its name, made for one model. Never fails for a model it does not understand: it falls back to 6N and says so.

    Args:
        rule: "6N", "6N+attention", "measured", or a callable that is handed the batch and returns its FLOPs.
        module: the model.
        params: N of "6N", by the run's convention.
        batch: the first batch, for "measured".
        tokens, mask: how the run counts tokens, for "measured".
        active_params: parameters that one token meets in a mixture of experts.
        layers, attention_width: number of attention layers and width of all heads of one, where the model does not tell.
        window: tokens that a sliding window looks back, of all attention layers or a list with one entry each (None: no window).
        recomputed: share of the forward pass that activation checkpointing does again; None to look for wrapped layers.

    Raises:
        ValueError: an unknown rule, or windows that do not fit the layers.

    >>> flops_rule("6N", None, params=1_000).flops(tokens=10)
    60000
    """
    if callable(rule):
        return FlopsRule("given", _given(rule))
    if rule not in RULES:
        raise ValueError(f"flops must be one of {', '.join(map(repr, RULES))} or a callable(batch) -> int, got {rule!r}")
    share = recomputed_share(module) if recomputed is None else Fraction(recomputed).limit_denominator(10**6)
    plain = _plain(active_params or params, share)
    if rule == "measured":
        return _measured(measure_step(module, batch), _counted(batch, tokens, mask), plain)
    outcome = FlopsOutcome.MIXTURE if active_params is None and _has_experts(module) else FlopsOutcome.AS_ASKED
    if rule == "6N":
        return FlopsRule("6N", plain, outcome)
    found = attending.declared(layers, attention_width, window) if layers and attention_width else attending.find(module, window)
    if not found:
        return FlopsRule("6N", plain, FlopsOutcome.ATTENTION_UNKNOWN if found is None else FlopsOutcome.NO_ATTENTION)
    work = of_count(active_params, found) if active_params else of_weights(module, found)
    return FlopsRule("6N+attention", _by_work(work, share), outcome)


def _plain(params: int, share: Fraction) -> Cost:
    return _by_work(of_count(params, ()), share)


def _by_work(work: Work, share: Fraction) -> Cost:
    per_token = lru_cache(maxsize=1024)(work.per_token)  # one entry per length; models have a hundred layers to sum

    def cost(tokens: int, length: int | None, batch: Any) -> tuple[int, int]:
        forward, backward = per_token(length or 0)
        return tokens * (forward + backward), tokens * (forward + backward) + tokens * forward * share.numerator // share.denominator

    return cost


def _given(rule: Callable[[Any], int]) -> Cost:
    def cost(tokens: int, length: int | None, batch: Any) -> tuple[int, int]:
        flops = int(rule(batch))
        return flops, flops

    return cost


def _measured(step: Measured, tokens: int, fallback: Cost) -> FlopsRule:
    if not step.model or not tokens:
        outcome = FlopsOutcome.NOT_MEASURED if step.error else FlopsOutcome.COUNTED_NOTHING
        return FlopsRule("6N", fallback, outcome, step.error)

    def cost(count: int, length: int | None, batch: Any) -> tuple[int, int]:
        return step.model * count // tokens, step.hardware * count // tokens

    return FlopsRule("measured", cost, note=f"{step.model} FLOPs in a first batch of {tokens} tokens")


def _counted(batch: Any, tokens: TokenRule, mask: bool) -> int:
    try:
        return measure(batch, tokens)[0] if batch is not None else 0
    except TokenCountError:
        return 0


def _has_experts(module: Any) -> bool:
    names = [] if module is None else [type(m).__name__.lower() for m in module.modules()]
    return any("moe" in name or "expert" in name for name in names)
