"""What is fitted to the runs chosen: sentences, constants with intervals, the frontier to draw, the valleys, the approaches."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.report import prose
from lightning_scaling.report.document import without_nan
from lightning_scaling.report.fits import Fits
from lightning_scaling.report.lines import frontier_lines, prediction_lines, surface_lines
from lightning_scaling.report.reading import along, band, split_known, usable
from lightning_scaling.report.rows import RunRow, rows
from lightning_scaling.run.record import RunRecord
from lightning_scaling.server.overview import column, number, rounded
from lightning_scaling.server.planner import plans

BEYOND = 10.0  # the frontier is drawn as far beyond the largest run as the report draws it
_POINTS = 60
_ANSWERED = ("IDENTIFIED", "FITTED", "FLOOR_NOT_IDENTIFIED")  # outcomes that are no refusal


def law(records: Sequence[RunRecord], found: Fits) -> dict[str, Any]:
    """Ready for JSON; parts that the runs do not allow are null or empty, with the reason among the notes."""
    runs = rows(records)
    told: dict[str, Any] = {"sentences": _sentences(runs, found), "outcomes": _outcomes(found)}
    told |= {"frontier": _frontier(runs, found), "prediction": _prediction(found.aim)}
    told |= {"surfaceLines": _lines(surface_lines, found.law), "frontierLines": _lines(frontier_lines, found.frontier)}
    told |= {"approaches": _approaches(found.approaches), "valleys": _valleys(found.approaches), "planner": plans(runs, found)}
    cleaned: dict[str, Any] = without_nan(told)
    return cleaned


def _sentences(runs: Sequence[RunRow], found: Fits) -> dict[str, str]:
    fitted, frontier = (each if usable(each) else None for each in (found.law, found.frontier))
    return {
        "cost": prose.cost(runs),
        "law": prose.law(fitted, frontier),
        "tenfold": prose.tenfold(runs, fitted, frontier),
        "prediction": prose.prediction(found.aim),
        "approaches": getattr(found.approaches, "verdict", ""),
    }


def _outcomes(found: Fits) -> list[dict[str, Any]]:
    """What each fit says of itself, and whether that is a refusal."""
    said = [{"of": "", "text": note, "refused": found.law is None} for note in found.notes]
    for name, fit in (("L(N, D)", found.law), ("L(C)", found.frontier)):
        if fit is not None:
            said.append({"of": name, "text": str(fit.outcome), "refused": fit.outcome.name not in _ANSWERED})
    return said


def _lines(read: Any, fit: Any) -> list[dict[str, str]]:
    return [asdict(line) for line in read(fit)] if usable(fit) else []


def _frontier(runs: Sequence[RunRow], found: Fits) -> dict[str, Any] | None:
    """The least loss over compute: of L(N, D) at its best split where the runs tell one, else the law of compute of runs like these."""
    split = usable(found.law) and split_known(found.law)
    if not split and not usable(found.frontier):
        return None
    spent = [r.flops for r in runs if r.fitted]
    flops = np.geomspace(min(spent), BEYOND * max(spent), _POINTS)
    if split:
        best = found.law.optimum(flops)
        loss, edges, formula = best.loss, best.loss_interval, f"best split of {prose.surface_formula(found.law)}"
    else:
        loss, edges, formula = along(found.frontier, flops), band(found.frontier, flops), prose.compute_formula(found.frontier)
    bounds = {} if edges is None else {"low": rounded(edges[0]), "high": rounded(edges[1])}
    return {"flops": column(flops), "loss": rounded(loss), **bounds, "formula": formula}


def _prediction(aim: Any) -> dict[str, Any] | None:
    if aim is None:
        return None
    values = {name: number(getattr(aim, name)) for name in ("params", "tokens", "flops", "loss", "low", "high", "came")}
    return {**values, "lines": [asdict(line) for line in prediction_lines(aim)]}


def _approaches(sides: Any) -> list[dict[str, str]]:
    """a of N* ∝ C^a by each approach, as text."""
    if sides is None:
        return []
    return [
        {"name": a.name, "exponent": numbers.plain(a.N_exponent), "interval": _interval(a.interval), "because": a.because}
        for a in sides.table
    ]


def _interval(edges: tuple[float, float] | None) -> str:
    return numbers.ABSENT if edges is None else numbers.between(edges[0], edges[1], numbers.plain)


def _valleys(sides: Any) -> list[dict[str, Any]]:
    """Each budget's runs, its parabola as coefficients over ln N, and the bottom where it has one."""
    if sides is None:
        return []
    return [
        {
            **{"flops": v.flops, "params": v.params.tolist(), "loss": v.loss.tolist(), "tokens": v.tokens.tolist()},
            **{"parabola": column(v.parabola), "best": number(v.best_params), "reason": v.reason},
        }
        for v in sides.isoflops.curves
    ]
