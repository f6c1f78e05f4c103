"""What each budget would buy, at every stop of a slider: N*, D* and the loss by the fitted law, and the published laws beside."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.report.fits import Fits, published
from lightning_scaling.report.reading import along, band, law_name, split_known, usable
from lightning_scaling.report.rows import RunRow
from lightning_scaling.server.overview import column, rounded

PER_DECADE = 12
BELOW, ABOVE = 0.1, 1e4  # of the runs' compute: a slider from a tenth of the smallest to ten thousand times the largest
ANYWHERE = (1e18, 1e27)  # where there are no runs


def plans(runs: Sequence[RunRow], found: Fits) -> dict[str, Any]:
    """{flops, start, largest, fitted, compute, presets}: each law's answers in columns over `flops`."""
    spent = [r.flops for r in runs if r.flops > 0]
    budgets = _budgets(spent)
    largest = max(spent, default=None)
    start = int(np.argmin(np.abs(np.log(budgets) - np.log(10 * largest)))) if largest else len(budgets) // 2
    told: dict[str, Any] = {"flops": column(budgets), "start": start, "largest": largest}
    return {**told, "fitted": _fitted(found.law, budgets), "compute": _compute(found.frontier, budgets), "presets": _presets(budgets)}


def _budgets(spent: Sequence[float]) -> NDArray[np.float64]:
    low, high = (BELOW * min(spent), ABOVE * max(spent)) if spent else ANYWHERE
    return np.geomspace(low, high, round(PER_DECADE * np.log10(high / low)) + 1)


def _fitted(law: Any, budgets: NDArray[np.float64]) -> dict[str, Any] | None:
    """None where the runs do not tell how to split a budget."""
    if not (usable(law) and split_known(law)):
        return None
    best = law.optimum(budgets)
    told: dict[str, Any] = {}
    for name in ("params", "tokens", "loss"):
        told[name] = rounded(getattr(best, name))
        edges = getattr(best, f"{name}_interval")
        told[f"{name}Low"], told[f"{name}High"] = (None, None) if edges is None else map(rounded, edges)
    return {**told, "name": "these runs", "level": best.level}


def _compute(frontier: Any, budgets: NDArray[np.float64]) -> dict[str, Any] | None:
    """The loss of a run trained as these were, by the law of compute."""
    if not usable(frontier):
        return None
    edges = band(frontier, budgets)
    low, high = (None, None) if edges is None else map(rounded, edges)
    return {"loss": rounded(along(frontier, budgets)), "low": low, "high": high}


def _presets(budgets: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Those that place an optimum; their losses are of other data and other tokens, and are not told."""
    told = []
    for preset in published():
        try:
            best = preset.optimum(budgets)
        except ValueError:
            continue
        columns = {"params": rounded(np.asarray(best.params)), "tokens": rounded(np.asarray(best.tokens))}
        told.append({"name": law_name(preset), "source": preset.source, "note": preset.note, **columns})
    return told
