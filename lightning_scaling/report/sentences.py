"""The sentence each part of a report opens with: the answer first, with its numbers."""

from collections.abc import Sequence

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.laws.extrapolation.backtests import HeldOut
from lightning_scaling.laws.frontier.frontier import FrontierFit
from lightning_scaling.laws.surface.surface import Surface
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.report.ill import Ill
from lightning_scaling.report.optima import allocation, budgets
from lightning_scaling.report.rows import RunRow
from lightning_scaling.run.finished import is_finished
from lightning_scaling.units import pf_days


def cost(runs: Sequence[RunRow]) -> str:
    """What the runs have cost and the lowest loss among them."""
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


def law(surface: SurfaceFit | None, frontier: FrontierFit | None) -> str:
    """The fitted law in words, or what is missing for one."""
    parts = []
    if frontier is not None and frontier.usable:
        parts.append(f"The final loss falls with compute C (FLOPs) as {compute_formula(frontier)}{_r_squared(frontier)}.")
    if surface is not None and surface.usable and surface.split_identified:
        parts.append(f"With N parameters and D tokens it is {surface_formula(surface.surface)}.")
    return " ".join(parts) or "There is no law yet: it takes finished runs of several sizes."


def compute_formula(frontier: FrontierFit) -> str:
    """L(C) with its numbers, with the floor where the runs identify one.

    >>> from lightning_scaling.laws import fit_frontier
    >>> compute_formula(fit_frontier([1e15, 1e16, 1e17], [4.0, 3.2, 2.56]))
    'L(C) = (1.63e21/C)^0.0969'
    """
    if frontier.floor_identified:
        return f"L(C) = {numbers.loss(frontier.floor)} + ({numbers.scientific(frontier.floor_scale)}/C)^{frontier.floor_exponent:.3g}"
    return f"L(C) = ({numbers.scientific(frontier.scale)}/C)^{frontier.exponent:.3g}"


def surface_formula(law: Surface) -> str:
    """L(N, D) with its numbers.

    >>> surface_formula(Surface(E=1.69, A=406.4, B=410.7, alpha=.34, beta=.28))
    'L(N, D) = 1.690 + 406.4/N^0.34 + 410.7/D^0.28'
    """
    terms = f"{numbers.plain(law.A)}/N^{law.alpha:.3g} + {numbers.plain(law.B)}/D^{law.beta:.3g}"
    return f"L(N, D) = {numbers.loss(law.E)} + {terms}"


def tenfold(runs: Sequence[RunRow], surface: SurfaceFit | None, frontier: FrontierFit | None = None) -> str:
    """What ten times the compute of the largest run would buy."""
    if not budgets(runs) or (surface is None and frontier is None):
        return "What more compute would buy is not known before a law over sizes is fitted."
    flops, words = budgets(runs)[-1]
    opening = f"Ten times the compute of the largest run ({numbers.scientific(flops)} FLOPs)"
    if surface is None or not surface.split_identified:
        return f"{_as_before(opening, flops, frontier)}{_open_split(surface)}"
    best = allocation(surface, flops, words)
    around = "" if best.loss_interval == numbers.ABSENT else f" (90 % interval {best.loss_interval})"
    split = f"{best.params} parameters and {best.tokens} tokens, {best.tokens_per_param} tokens per parameter"
    return f"{opening} is best spent on {split}; the expected loss is {best.loss}{around}."


def _as_before(opening: str, flops: float, frontier: FrontierFit | None) -> str:
    if frontier is None:
        return ""
    loss, low, high = (float(v) for v in frontier.expected(flops))
    return f"{opening}, split as in these runs, is expected to reach a loss of {numbers.loss_interval(loss, low, high)}. "


def _open_split(surface: SurfaceFit | None) -> str:
    if surface is None:
        return ""
    return f"How best to split it between parameters and tokens is not identified: {surface.split_identified.remedy}."


def prediction(largest: HeldOut | None) -> str:
    """How well the largest run was predicted."""
    if largest is None:
        return ""
    interval = f"{100 * largest.level:.0f} % interval {numbers.between(largest.low, largest.high)}"
    of = f"the largest, of {numbers.count(largest.params)} parameters"
    opening = f"The smaller runs alone predict a loss of {numbers.loss(largest.loss)} ({interval}) for {of}"
    if not np.isfinite(largest.observed):
        return f"{opening}."
    observed = f"{numbers.loss(largest.observed)} was observed, {'inside' if largest.inside else 'outside'} the interval"
    return f"{opening}; {observed} (error {numbers.percent(largest.error)})."


def half(runs: Sequence[RunRow]) -> str:
    """How far off the forecasts were that were made at half of the runs."""
    off = [abs(run.error) for run in runs if run.error is not None]
    if not off:
        return ""
    inside, typical = sum(bool(run.inside) for run in runs), numbers.percent(float(np.median(off))).lstrip("+")
    made = f"The end of {_runs(len(off)).lower()} was forecast at half"
    return f"{made}: off by {typical} (median), {inside} of {len(off)} inside the 90 % interval."


def ill(runs: Sequence[RunRow], found: Sequence[Ill]) -> str:
    """How many runs need a look, and which first."""
    if not found:
        return "No run needs a look: none broke off, diverged, or ended far above the law or outside its forecast." if runs else ""
    return (
        f"One of {len(runs)} runs needs a look." if len(found) == 1 else f"{len(found)} of {len(runs)} runs need a look, the worst first."
    )


def _runs(count: int) -> str:
    return "One run" if count == 1 else f"{count} runs"


def _sizes(runs: Sequence[RunRow]) -> str:
    sizes = sorted({r.params for r in runs if r.params})
    if not sizes:
        return " of unknown size"
    span = f"{numbers.count(sizes[0])} to {numbers.count(sizes[-1])}" if len(sizes) > 1 else numbers.count(sizes[0])
    return f" of {span} parameters"


def _r_squared(frontier: FrontierFit) -> str:
    return f" (R² {frontier.r_squared:.3f} on log axes)" if np.isfinite(frontier.r_squared) else ""
