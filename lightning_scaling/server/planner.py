"""What each budget would buy, at every stop of a slider: N*, D* and the loss by the fitted law, and the published laws beside."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.laws.frontier.frontier import FrontierFit
from lightning_scaling.laws.runs_fit import RunsFit
from lightning_scaling.report.optima import law_name, published
from lightning_scaling.report.rows import RunRow
from lightning_scaling.server.overview import column, rounded

PER_DECADE = 12
BELOW, ABOVE = 0.1, 1e4  # of the runs' compute: a slider from a tenth of the smallest to ten thousand times the largest
ANYWHERE = (1e18, 1e27)  # where there are no runs


def plans(runs: Sequence[RunRow], fit: RunsFit) -> dict[str, Any]:
    """{flops, start, largest, fitted, compute, presets}: each law's answers in columns over `flops`."""
    spent = [r.flops for r in runs if r.flops > 0]
    budgets = _budgets(spent)
    largest = max(spent, default=None)
    start = int(np.argmin(np.abs(np.log(budgets) - np.log(10 * largest)))) if largest else len(budgets) // 2
    slider: dict[str, Any] = {"flops": column(budgets), "start": start, "largest": largest}
    return {**slider, "fitted": _fitted(fit, budgets), "compute": _compute(fit.frontier, budgets), "presets": _presets(budgets)}


def _budgets(spent: Sequence[float]) -> NDArray[np.float64]:
    low, high = (BELOW * min(spent), ABOVE * max(spent)) if spent else ANYWHERE
    return np.geomspace(low, high, round(PER_DECADE * np.log10(high / low)) + 1)


def _fitted(fit: RunsFit, budgets: NDArray[np.float64]) -> dict[str, Any] | None:
    """None where the runs do not identify how to split a budget."""
    if not fit.split_identified:
        return None
    best = fit.optimum(budgets)
    columns: dict[str, Any] = {}
    parts = (("params", best.params, best.params_interval), ("tokens", best.tokens, best.tokens_interval))
    for name, values, edges in (*parts, ("loss", best.loss, best.loss_interval)):
        columns[name] = rounded(values)
        columns[f"{name}Low"], columns[f"{name}High"] = (None, None) if edges is None else map(rounded, edges)
    return {**columns, "name": "these runs", "level": best.level}


def _compute(frontier: FrontierFit, budgets: NDArray[np.float64]) -> dict[str, Any] | None:
    """The loss of a run trained as these were, by the law of compute."""
    if not frontier.usable:
        return None
    loss, low, high = map(rounded, frontier.expected(budgets))
    return {"loss": loss, "low": low, "high": high}


def _presets(budgets: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Those that place an optimum; their losses are of other data and other tokens, and are left out."""
    answers = []
    for preset in published():
        if preset.split_identified:
            best = preset.optimum(budgets)
            columns = {"params": rounded(np.asarray(best.params)), "tokens": rounded(np.asarray(best.tokens))}
            answers.append({"name": law_name(preset), "source": preset.source, "note": preset.note, **columns})
    return answers
