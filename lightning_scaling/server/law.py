"""What is fitted to the runs chosen: sentences, constants with intervals, the frontier to draw, the IsoFLOP curves, the approaches."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.laws.approaches.side_by_side import Approaches
from lightning_scaling.laws.extrapolation.backtests import HeldOut
from lightning_scaling.laws.runs_fit import RunsFit
from lightning_scaling.report import sentences
from lightning_scaling.report.content import Content
from lightning_scaling.report.law_lines import Line, frontier_lines, prediction_lines, surface_lines
from lightning_scaling.report.rows import RunRow, rows
from lightning_scaling.run.record import RunRecord, RunState, finite_json
from lightning_scaling.server.overview import column, number, rounded
from lightning_scaling.server.planner import plans

BEYOND = 10.0  # the frontier is drawn as far beyond the largest run as the report draws it
_POINTS = 60


def law(records: Sequence[RunRecord], fit: RunsFit) -> dict[str, Any]:
    """Ready for JSON; parts that the runs do not allow are null or empty, with the reason among the outcomes."""
    runs, content = rows(records), Content(records, fit)
    surface, frontier = content.drawn_law, content.drawn_frontier
    answered: dict[str, Any] = {"sentences": _sentences(runs, content), "outcomes": _outcomes(content)}
    answered |= {"frontier": _frontier(fit, _furthest(records)), "prediction": _prediction(fit.largest)}
    answered |= {"surfaceLines": _lines(surface_lines(surface) if surface else [])}
    answered |= {"frontierLines": _lines(frontier_lines(frontier) if frontier else [])}
    answered |= {"approaches": _approaches(fit.approaches), "isoflopCurves": _isoflop_curves(fit.approaches), "planner": plans(runs, fit)}
    cleaned: dict[str, Any] = finite_json(answered)
    return cleaned


def _sentences(runs: Sequence[RunRow], content: Content) -> dict[str, str]:
    surface, frontier, fit = content.drawn_law, content.drawn_frontier, content.fit
    return {
        "cost": sentences.cost(runs),
        "law": sentences.law(surface, frontier),
        "tenfold": sentences.tenfold(runs, surface, frontier),
        "prediction": sentences.prediction(content.largest),
        "approaches": fit.approaches.verdict if fit is not None and fit.approaches is not None else "",
    }


def _outcomes(content: Content) -> list[dict[str, Any]]:
    """The outcome of each fit, and whether it is a refusal."""
    fit = content.fit
    refused = {"L(N, D)": fit is None or not fit.surface.identified, "L(C)": fit is None or not fit.frontier.falls}
    notes = [{"of": "", "text": note, "refused": not content.outcomes} for note in content.notes]
    return notes + [{"of": name, "text": text, "refused": refused[name]} for name, text in reversed(content.outcomes)]


def _lines(lines: Sequence[Line]) -> list[dict[str, str]]:
    return [asdict(line) for line in lines]


def _furthest(records: Sequence[RunRecord]) -> float:
    """FLOPs at the end of the token budgets of the runs in progress, as far as the law must be drawn."""
    budgets = [r.spent * (r.planned_tokens / r.tokens) for r in records if r.state is RunState.RUNNING and r.planned_tokens and r.tokens]
    return max((each for each in budgets if np.isfinite(each)), default=0.0)


def _frontier(fit: RunsFit, furthest: float) -> dict[str, Any] | None:
    """The least loss over compute: of L(N, D) at its best split where the runs identify one, else the law of compute of runs like these."""
    if not len(fit.runs) or not (fit.split_identified or fit.frontier.usable):
        return None
    flops = np.geomspace(fit.runs.flops.min(), max(BEYOND * fit.runs.flops.max(), furthest), _POINTS)
    if fit.split_identified:
        best = fit.optimum(flops)
        loss, formula = best.loss, f"best split of {sentences.surface_formula(fit.surface.surface)}"
        bounds = best.loss_interval
    else:
        loss, low, high = fit.frontier.expected(flops)
        bounds, formula = (low, high), sentences.compute_formula(fit.frontier)
    edges = {} if bounds is None else {"low": rounded(bounds[0]), "high": rounded(bounds[1])}
    return {"flops": column(flops), "loss": rounded(loss), **edges, "formula": formula}


def _prediction(largest: HeldOut | None) -> dict[str, Any] | None:
    if largest is None:
        return None
    names = ("params", "tokens", "flops", "loss", "low", "high", "observed")
    return {**{name: number(getattr(largest, name)) for name in names}, "lines": _lines(prediction_lines(largest))}


def _approaches(sides: Approaches | None) -> list[dict[str, str]]:
    """a of N* ∝ C^a by each approach, as text."""
    if sides is None:
        return []
    return [
        {"name": a.name, "exponent": numbers.plain(a.N_exponent), "interval": _interval(a.interval), "because": a.because}
        for a in sides.table
    ]


def _interval(edges: tuple[float, float] | None) -> str:
    return numbers.ABSENT if edges is None else numbers.between(edges[0], edges[1], numbers.plain)


def _isoflop_curves(sides: Approaches | None) -> list[dict[str, Any]]:
    """Each budget's runs, its parabola as coefficients over ln N, and its minimum where it has one."""
    if sides is None:
        return []
    return [
        {
            **{"flops": v.flops, "params": v.params.tolist(), "loss": v.loss.tolist(), "tokens": v.tokens.tolist()},
            **{"parabola": column(v.parabola), "best": number(v.best_params), "reason": v.reason},
        }
        for v in sides.isoflops.curves
    ]
