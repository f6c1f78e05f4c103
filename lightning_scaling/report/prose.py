"""The sentence each part of a report opens with: the answer first, with its numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.report.lines import allocation, budgets
from lightning_scaling.report.reading import Aim, along, band, split_known, with_floor
from lightning_scaling.report.rows import RunRow
from lightning_scaling.report.rows import finished as is_finished
from lightning_scaling.units import pf_days


def cost(runs: Sequence[RunRow]) -> str:
    """What the runs have cost and how far the best came."""
    if not runs:
        return "There are no runs to report yet: start one with the callback attached and write this report again."
    spent = sum(r.flops for r in runs if r.flops > 0)
    finished = [r for r in runs if r.fitted]
    paid = f" cost {numbers.compute(pf_days(spent))} PF-days ({numbers.scientific(spent)} FLOPs) in all" if spent else ""
    opening = f"{_runs(len(runs))}{_sizes(runs)}{paid}"
    if not finished:
        ended = any(is_finished(r.record) and np.isfinite(r.loss) for r in runs)
        return f"{opening}." if ended else f"{opening}; none of them has finished with a loss yet."
    best = min(finished, key=lambda r: r.loss)
    share = "" if len(finished) == len(runs) else f"{len(finished)} finished; "
    return f"{opening}; {share}the best ended at a loss of {numbers.loss(best.loss)} with {numbers.count(best.params)} parameters."


def law(law: Any, frontier: Any) -> str:
    """The fitted law in words, or what is missing for one."""
    if law is None and frontier is None:
        return "There is no law yet: it takes finished runs of several sizes."
    said = []
    if frontier is not None and _is(frontier, "exponent"):
        said.append(f"Along the frontier the loss falls with compute as {compute_formula(frontier)}{_r_squared(frontier)}.")
    if law is not None and _is(law, "alpha") and split_known(law):
        said.append(f"Over size and data it is {surface_formula(law)}.")
    return " ".join(said) or f"The law is {getattr(law or frontier, 'name', 'given')}."


def compute_formula(frontier: Any) -> str:
    """L(C) with its numbers, with the floor where the runs identify one.

    >>> from types import SimpleNamespace
    >>> compute_formula(SimpleNamespace(scale=1.6e17, exponent=0.0771))
    'L(C) = (1.6e17/C)^0.0771'
    """
    if with_floor(frontier):
        return f"L(C) = {numbers.loss(frontier.floor)} + ({numbers.scientific(frontier.floor_scale)}/C)^{frontier.floor_exponent:.3g}"
    return f"L(C) = ({numbers.scientific(frontier.scale)}/C)^{frontier.exponent:.3g}"


def surface_formula(law: Any) -> str:
    """L(N, D) with its numbers.

    >>> from types import SimpleNamespace
    >>> surface_formula(SimpleNamespace(E=1.69, A=406.4, B=410.7, alpha=.34, beta=.28))
    'L(N, D) = 1.690 + 406.4/N^0.34 + 410.7/D^0.28'
    """
    terms = f"{numbers.plain(law.A)}/N^{law.alpha:.3g} + {numbers.plain(law.B)}/D^{law.beta:.3g}"
    return f"L(N, D) = {numbers.loss(law.E)} + {terms}"


def tenfold(runs: Sequence[RunRow], law: Any, frontier: Any = None) -> str:
    """What ten times the compute of the largest run would buy."""
    if not budgets(runs) or (law is None and frontier is None):
        return "What more compute would buy cannot be said before a law over sizes is fitted."
    flops, words = budgets(runs)[-1]
    opening = f"Ten times the compute of the largest run ({numbers.scientific(flops)} FLOPs)"
    if law is None or not split_known(law):
        return f"{_as_before(opening, flops, frontier)}{_open_split(law)}"
    best = allocation(law, flops, words)
    around = "" if best.loss_interval == numbers.ABSENT else f" ({best.loss_interval})"
    split = f"{best.params} parameters on {best.tokens} tokens, {best.tokens_per_param} tokens per parameter"
    return f"{opening} is best spent on {split}, for a loss of {best.loss}{around}."


def _as_before(opening: str, flops: float, frontier: Any) -> str:
    if frontier is None:
        return ""
    middle, edges = float(along(frontier, flops)), band(frontier, flops)
    around = "" if edges is None else f" ({numbers.between(float(edges[0]), float(edges[1]))})"
    return f"{opening}, spent as these runs were, is expected to reach a loss of {numbers.loss(middle)}{around}. "


def _open_split(law: Any) -> str:
    return "" if law is None else f"How best to split it between parameters and tokens these runs do not tell: {law.outcome}."


def prediction(aim: Aim | None) -> str:
    """How well the largest run was foretold."""
    if aim is None:
        return ""
    said = f"From the smaller runs alone the one of {numbers.count(aim.params)} parameters was predicted to end at {numbers.loss(aim.loss)}"
    if not np.isfinite(aim.came):
        return f"{said} ({numbers.between(aim.low, aim.high)})."
    interval = f"{'inside' if aim.inside else 'outside'} the interval {numbers.between(aim.low, aim.high)}"
    return f"{said}; it came to {numbers.loss(aim.came)}, {interval} (error {numbers.percent(aim.error)})."


def _runs(count: int) -> str:
    return "One run" if count == 1 else f"{count} runs"


def _sizes(runs: Sequence[RunRow]) -> str:
    sizes = sorted({r.params for r in runs if r.params})
    if not sizes:
        return " of unknown size"
    span = f"{numbers.count(sizes[0])} to {numbers.count(sizes[-1])}" if len(sizes) > 1 else numbers.count(sizes[0])
    return f" of {span} parameters"


def _r_squared(frontier: Any) -> str:
    return f" (R² of log loss on log compute {frontier.r_squared:.4f})" if _is(frontier, "r_squared") else ""


def _is(law: Any, name: str) -> bool:
    value = getattr(law, name, None)
    return value is not None and bool(np.isfinite(value))
