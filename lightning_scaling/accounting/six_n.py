"""How many operations a token really costs under the 6N rule, where not every weight of N takes six.

Experts that a token does not meet take none, frozen weights 4 or 2 (`work`). A dense model that is trained whole takes 6·N exactly
(Kaplan et al. 2020, section 2.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lightning_scaling import numbers
from lightning_scaling.accounting.copies import also_run, copies, without_copies
from lightning_scaling.accounting.experts import Experts, find_experts
from lightning_scaling.accounting.flops_outcome import FlopsOutcome
from lightning_scaling.accounting.roles import embedding_keys, head_keys
from lightning_scaling.accounting.weights import Weight, weights
from lightning_scaling.accounting.work import Work, of_count, of_n


@dataclass(frozen=True)
class SixN:
    """Work per token, what was recognised in the model, its sentence for a log, and a warning where the count may be wrong."""

    work: Work
    outcome: FlopsOutcome = FlopsOutcome.AS_ASKED
    note: str = ""
    warning: str = ""


def six_n(module: Any, params: int, active_params: int | None = None) -> SixN:
    """Work of 6N for a model whose N is `params` by one of the conventions, or a number of the user's own."""
    if module is None or active_params:
        return SixN(of_count(active_params or params, ()))
    try:
        everything = list(weights(module))
    except ValueError:  # a lazy module: counted again once it has shapes
        return SixN(of_count(params, ()))
    held = without_copies(module, everything)
    experts = find_experts(module, held)
    outcome = _recognised(held, experts)
    if outcome is FlopsOutcome.AS_ASKED:
        return SixN(of_count(params, ()), outcome, warning=_teacher(module, everything, held))
    if not held:
        return SixN(of_count(params, ()), outcome, warning=_unknown(held, experts))
    work, total = _work(held, experts, params), _size(held)
    note = f"{numbers.count(total)} parameters" + _frozen(held) + (f", {experts}" if experts.layers and experts.top_k else "")
    if work is None:
        return SixN(of_count(params, ()), FlopsOutcome.DECLARED, note, _declared(held, experts, params))
    warning = _unknown(held, experts) if experts.unknown else _teacher(module, everything, held)
    return SixN(work, outcome, f"{note}: {_per_token(work) / params:.3g} FLOPs per parameter and token instead of 6", warning)


def _recognised(held: Sequence[Weight], experts: Experts) -> FlopsOutcome:
    if experts.unknown:
        return FlopsOutcome.MIXTURE
    frozen = any(not w.trainable and min(w.shape, default=0) > 1 and len(w.shape) > 1 for w in held)  # routers keep a frozen bias
    if experts.layers:
        return FlopsOutcome.FROZEN_EXPERTS if frozen else FlopsOutcome.EXPERTS
    return FlopsOutcome.FROZEN if frozen else FlopsOutcome.AS_ASKED


def _work(held: Sequence[Weight], experts: Experts, params: int) -> Work | None:
    """None where `params` is none of the model's own counts."""
    tables = embedding_keys(held) | head_keys(held)
    body = [w for w in held if w.key not in tables]
    if params == _size(body):
        return of_n(held, experts, tables)
    met = int(sum(experts.met(w) for w in _once(held)))
    own = (_size(held), met, _size([w for w in held if w.trainable]))
    return of_n(held, experts) if params in own else None


def _once(held: Sequence[Weight]) -> list[Weight]:
    return list({w.key: w for w in held}.values())


def _size(held: Sequence[Weight]) -> int:
    return sum(w.size for w in _once(held))


def _per_token(work: Work) -> int:
    return work.forward + work.backward


def _frozen(held: Sequence[Weight]) -> str:
    frozen = _size([w for w in held if not w.trainable])
    return f", {numbers.count(frozen)} of them frozen" if frozen else ""


def _declared(held: Sequence[Weight], experts: Experts, params: int) -> str:
    ratio = 6 * _size(held) / max(_per_token(of_n(held, experts)), 1)
    return (
        f"FLOPs are 6 × the {numbers.count(params)} parameters given, {ratio:.2g} times what the model's frozen weights and unused experts "
        "leave; give params='total', or active_params="
    )


def _unknown(held: Sequence[Weight], experts: Experts) -> str:
    text = "the model looks like a mixture of experts, and how many of them a token meets is not known, so FLOPs count all of them"
    return f"{text}{_at_most(held, experts)}; give active_params=, the parameters that one token meets"


def _at_most(held: Sequence[Weight], experts: Experts) -> str:
    return f" ({experts.experts} per layer: up to {experts.experts} times too high in them)" if experts.experts else ""


def _teacher(module: Any, everything: Sequence[Weight], held: Sequence[Weight]) -> str:
    names = also_run(copies(module, everything))
    size = _size([w for w in everything if any(w.name.startswith(f"{name}.") for name in names)])
    if not size:
        return ""
    return (
        f"{', '.join(names)} is taken for a copy and is not in N; if each step also runs it, FLOPs are "
        f"{numbers.share(size / (3 * _size(held)))} higher than counted: flops='measured' counts them"
    )
