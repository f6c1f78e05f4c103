"""What training on a batch costs in FLOPs, by a named rule that is stored with the run.

"6N": six operations per parameter and token (Kaplan et al. 2020, section 2.1). "6N+attention": the same for the matrices that are really
multiplied, and the products of attention, which for a 124M GPT at 4096 tokens are a third of all. "measured": counted once on the model.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

from lightning_scaling import numbers
from lightning_scaling.accounting import attention as attending
from lightning_scaling.accounting.copies import own_weights
from lightning_scaling.accounting.experts import find_experts
from lightning_scaling.accounting.flops_outcome import FlopsOutcome
from lightning_scaling.accounting.loaders import loader_tree
from lightning_scaling.accounting.measured import Measured, measure_step
from lightning_scaling.accounting.recompute import recomputed_share
from lightning_scaling.accounting.six_n import SixN, six_n
from lightning_scaling.accounting.tokens import TokenRule, measure, sequence_length
from lightning_scaling.accounting.work import Work, of_count, of_weights

RULES = ("6N", "6N+attention", "measured")
MOST_APART = 2  # a rule and a measured step that differ by more are reported

# Model and hardware FLOPs of a batch, from its tokens, the length of its sequences and the batch itself.
Cost = Callable[[int, int | None, Any], tuple[int, int]]


@dataclass(frozen=True)
class FlopsRule:
    """A rule that counts.

    Args:
        name: the rule in force: "6N", "6N+attention", "measured" or "given".
        cost: model and hardware FLOPs of a batch.
        outcome: whether it is the one that was asked for, and what was recognised in the model.
        note: details for a log: what was recognised, or why a step could not be measured.
        warning: one sentence for the user where the count is, or may be, wrong, with the size of the error; else empty.
    """

    name: str
    cost: Cost = field(repr=False)
    outcome: FlopsOutcome = FlopsOutcome.AS_ASKED
    note: str = ""
    warning: str = ""

    @property
    def fell_back(self) -> bool:
        """Whether another rule than the one asked for is in force."""
        return self.outcome.fell_back

    def flops(self, tokens: int, length: int | None = None, batch: Any = None) -> int:
        """Model FLOPs of training on a batch: what the arithmetic needs, without anything computed twice."""
        return self.cost(tokens, length, batch)[0]

    def hardware_flops(self, tokens: int, length: int | None = None, batch: Any = None) -> int:
        """The same with what activation checkpointing computes again."""
        return self.cost(tokens, length, batch)[1]


def flops_rule(
    rule: str | Callable[[Any], int] | None,
    module: Any,
    params: int,
    *,
    batch: Any = None,
    tokens: TokenRule = None,
    mask: bool = False,
    loaders: Any = None,
    active_params: int | None = None,
    layers: int | None = None,
    attention_width: int | None = None,
    window: attending.Window = None,
    recomputed: float | None = None,
) -> FlopsRule:
    """The rule by its name, made for one model. Never fails for a model it does not understand: it falls back to 6N with a warning.

    Args:
        rule: "6N", "6N+attention", "measured", a callable that is handed the batch and returns its FLOPs; or None, not stated: "6N", and
            "measured" where tokens='samples', as an example is not one token to a convolution.
        module: the model.
        params: N of "6N", by the run's convention.
        batch: the first batch, for "measured".
        tokens, mask, loaders: how the run counts tokens, for "measured".
        active_params: parameters that one token meets in a mixture of experts, where the model does not state them.
        layers, attention_width: number of attention layers and width of all heads of one, where they are not recognised.
        window: tokens within reach of a sliding window, of all attention layers or a list with one entry each (None: no window).
        recomputed: share of the forward pass that activation checkpointing does again; None to look for wrapped layers and for calls.

    Raises:
        ValueError: an unknown rule, or windows that do not fit the layers.

    >>> flops_rule("6N", None, params=1_000).flops(tokens=10)
    60000
    """
    if callable(rule):
        return FlopsRule("given", _given(rule))
    if rule is not None and rule not in RULES:
        raise ValueError(f"flops must be one of {', '.join(map(repr, RULES))} or a callable(batch) -> int, got {rule!r}")
    share = (
        recomputed_share(module, None if rule == "measured" else batch)
        if recomputed is None
        else Fraction(recomputed).limit_denominator(10**6)
    )
    known = six_n(module, params, active_params)
    counted = _counted(batch, tokens, mask, loaders)
    if rule == "measured" or (rule is None and _is_samples(tokens)):
        return _measured(measure_step(module, batch), counted, _six_n_rule(known, share))
    made = (
        _six_n_rule(known, share)
        if rule != "6N+attention"
        else _with_attention(module, known, share, active_params, layers, attention_width, window)
    )
    return _compared(made, module, batch, tokens, loaders, counted)


def _six_n_rule(known: SixN, share: Fraction) -> FlopsRule:
    note = "; ".join(text for text in (known.note, _again(share)) if text)
    return FlopsRule("6N", _by_work(known.work, share), known.outcome, note, known.warning)


def _again(share: Fraction) -> str:
    text = f"activation checkpointing repeats {numbers.share(float(share))} of the forward pass: hardware FLOPs, model FLOPs are unchanged"
    return text if share else ""


def _with_attention(
    module: Any, known: SixN, share: Fraction, active: int | None, layers: int | None, width: int | None, window: attending.Window
) -> FlopsRule:
    plain = _six_n_rule(known, share)
    found = attending.declared(layers, width, window) if layers and width else attending.find(module, window)
    if not found:
        outcome = FlopsOutcome.ATTENTION_UNKNOWN if found is None else FlopsOutcome.NO_ATTENTION
        return replace(plain, outcome=outcome, warning=str(outcome))
    held = [] if active else own_weights(module)
    work = of_count(active, found) if active else of_weights(held, find_experts(module, held), found)
    outcome = FlopsOutcome.AS_ASKED if known.outcome is FlopsOutcome.DECLARED else known.outcome  # N given is not used here
    warning = "" if known.outcome is FlopsOutcome.DECLARED else known.warning
    return replace(plain, name="6N+attention", cost=_by_work(work, share), outcome=outcome, warning=warning)


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


def _measured(step: Measured, tokens: int, fallback: FlopsRule) -> FlopsRule:
    if not step.model or not tokens:
        outcome = FlopsOutcome.NOT_MEASURED if step.error else FlopsOutcome.COUNTED_NOTHING
        warning = f"{outcome} ({step.error})" if step.error else str(outcome)
        return replace(fallback, outcome=outcome, note=step.error, warning=warning)

    def cost(count: int, length: int | None, batch: Any) -> tuple[int, int]:
        return step.model * count // tokens, step.hardware * count // tokens

    return FlopsRule("measured", cost, note=f"{step.model} FLOPs in a first batch of {tokens} tokens")


def _compared(made: FlopsRule, module: Any, batch: Any, tokens: TokenRule, loaders: Any, counted: int) -> FlopsRule:
    """Where a token is what the user calls one and no id of a text, 6N is held against one measured step."""
    if tokens is None or not counted or module is None or sequence_length(batch, loader_tree(loaders)) is not None:
        return made
    step = measure_step(module, batch)
    counts = max(made.flops(counted, None, batch), 1)
    if step.model and 1 / MOST_APART <= step.model / counts <= MOST_APART:
        return made
    outcome = FlopsOutcome.SAMPLES if _is_samples(tokens) else made.outcome
    if not step.model and outcome is not FlopsOutcome.SAMPLES:
        return made
    size = f"the step itself takes {step.model / counts:.3g} times as many" if step.model else f"that could not be checked ({step.error})"
    warning = (
        f"flops={made.name!r} counts {numbers.scientific(counts)} FLOPs in the first batch, as if what tokens= counts were tokens of text; "
        f"{size}. Give flops='measured' or flops=callable(batch) -> int"
    )
    return replace(made, outcome=outcome, warning=f"{made.warning}. {warning}" if made.warning else warning)


def _is_samples(tokens: TokenRule) -> bool:
    return isinstance(tokens, str) and tokens == "samples"


def _counted(batch: Any, tokens: TokenRule, mask: bool, loaders: Any) -> int:
    try:
        return measure(batch, tokens, loader_tree(loaders))[0] if batch is not None else 0
    except Exception:  # a callable of the user's own may do anything; the first batch of the run reports it
        return 0
