"""The report as one file that needs nothing else: report.html with its pictures inside, and the same pictures as PNG beside it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.report import counted, lines, prose
from lightning_scaling.report.gallery import Shown, gallery, panels, panels_in_one
from lightning_scaling.report.picture import picture, save_png
from lightning_scaling.report.reading import Aim, largest_of
from lightning_scaling.report.rows import RunRow, rows, state_words
from lightning_scaling.report.templates import template
from lightning_scaling.report.told import Told
from lightning_scaling.run.record import RunRecord

# beyond this many runs the page shows the largest ones' panels, and says so
MOST_PANELS = 24


def write_report(
    folder: str | Path,
    records: Iterable[RunRecord],
    law: Any = None,
    frontier: Any = None,
    prediction: Any = None,
    title: str = "Scaling report",
    *,
    approaches: Any = None,
    notes: Sequence[str] = (),
    presets: Sequence[Any] = (),
    rejected: Iterable[Any] = (),
    png: bool = True,
    refresh: float | None = None,
) -> Path:
    """Writes report.html (and PNGs) into `folder`, made if missing; the path of the page.

    Args:
        records: any runs, finished or not, broken ones too.
        law: L(N, D) with `predict` and `optimum`; frontier: loss over compute with `predict`; either may be None.
        prediction: what the smaller runs foretold of the largest (`Aim`, or anything with its names).
        approaches: the answers of several procedures on the same runs (`table`, `verdict`), shown side by side.
        notes: sentences a reader of the law must know, e.g. why there is none.
        presets: published laws shown beside the fitted one.
        rejected: runs that could not be read, each with `name` and `reason`.
        refresh: seconds after which a browser reloads the page, for watching.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    told = Told(list(records), law, frontier, None if prediction is None else largest_of(prediction), approaches, notes, presets)
    page = folder / "report.html"
    pictures = gallery(told)
    page.write_text(html(told, pictures, title, rejected, refresh), encoding="utf-8")
    for each in (*pictures, panels_in_one(told.records)) if png else ():
        save_png(each.draw, folder, each.name)
    return page


def html(
    told: Told, pictures: Sequence[Shown], title: str = "Scaling report", rejected: Iterable[Any] = (), refresh: float | None = None
) -> str:
    """The page itself; everything a user named is escaped by the template."""
    runs = rows(told.records)
    shown = runs[-MOST_PANELS:]
    return str(
        template("report.html").render(
            title=title,
            refresh=refresh,
            cost=prose.cost(runs),
            law=prose.law(told.drawn_law, told.drawn_frontier),
            tenfold=prose.tenfold(runs, told.drawn_law, told.drawn_frontier),
            prediction=prose.prediction(told.aim),
            facts=facts(runs, told.aim),
            runs=[cells(r) for r in runs],
            law_lines=_law_lines(told),
            outcomes=_outcomes(told),
            approaches=told.approaches and {"table": [_approach(a) for a in told.approaches.table], "verdict": told.approaches.verdict},
            prediction_lines=[] if told.aim is None else lines.prediction_lines(told.aim),
            allocations=[] if told.drawn_law is None else lines.allocations(runs, told.drawn_law, told.presets),
            pictures={p.name: picture(p.draw, p.alt, p.caption) for p in pictures},
            panels=list(zip([cells(r) for r in shown], panels([r.record for r in shown]), strict=True)),
            panels_left_out=len(runs) - len(shown),
            counted=counted.paragraphs(told.records, told.law, told.frontier),
            rejected=[_rejection(each) for each in rejected],
        )
    )


def facts(runs: Sequence[RunRow], aim: Aim | None = None) -> list[tuple[str, str]]:
    """The few numbers at the head of the page, each with its unit."""
    finished = [r for r in runs if r.fitted]
    off = [abs(r.error) for r in runs if r.error is not None]
    shown = [
        ("runs" if len(finished) == len(runs) else f"of {len(runs)} runs finished", str(len(finished))),
        ("PF-days in all", numbers.compute(sum(r.pf_days for r in runs if r.pf_days > 0))),
        ("lowest final loss", numbers.loss(min((r.loss for r in finished), default=float("nan")))),
        ("median error of the forecasts at half", numbers.percent(float(np.median(off))).lstrip("+") if off else numbers.ABSENT),
    ]
    if aim is not None and np.isfinite(aim.came):
        shown.append(("error of the prediction of the largest", numbers.percent(aim.error)))
    return shown


def cells(run: RunRow) -> dict[str, Any]:
    """One run as the page's table and panels write it."""
    forecast = run.forecast
    return {
        "name": run.name,
        "params": numbers.count(run.params),
        "tokens": numbers.count(run.tokens),
        "flops": numbers.scientific(run.flops or None),
        "pf_days": numbers.compute(run.pf_days or None),
        "tokens_per_param": numbers.count(run.tokens_per_param),
        "loss": numbers.loss(run.loss),
        "forecast": numbers.loss(forecast.loss) if forecast else numbers.ABSENT,
        "interval": numbers.between(forecast.low, forecast.high) if forecast else "",
        "error": numbers.percent(run.error),
        "inside": run.inside,
        "verdict": run.verdict or numbers.ABSENT,
        "because": run.because,
        "state": state_words(run.record),
    }


def _law_lines(told: Told) -> list[tuple[str, list[lines.Line]]]:
    compute = [] if told.drawn_frontier is None else lines.frontier_lines(told.drawn_frontier)
    surface = [] if told.drawn_law is None else lines.surface_lines(told.drawn_law)
    return [("Loss over compute, L(C)", compute), ("Loss over size and data, L(N, D)", surface)]


def _outcomes(told: Told) -> list[tuple[str, str]]:
    named = (("L(C)", told.frontier), ("L(N, D)", told.law))
    said = [(name, str(fit.outcome)) for name, fit in named if getattr(fit, "outcome", None) is not None]
    return said + [("Note", note) for note in told.notes]


def _approach(each: Any) -> dict[str, str]:
    ends = (each.interval, each.D_interval)
    a, b = (numbers.ABSENT if end is None else numbers.between(end[0], end[1], numbers.plain) for end in ends)
    values = {"N_exponent": numbers.plain(each.N_exponent), "D_exponent": numbers.plain(each.D_exponent)}
    return {"name": each.name, "N_interval": a, "D_interval": b, "because": each.because} | values


def _rejection(each: Any) -> tuple[str, str]:
    """A run that could not be read: an object with `name` and `reason`, or such a pair."""
    name, reason = each if isinstance(each, tuple) else (getattr(each, "name", "") or getattr(each, "run_id", ""), each.reason)
    return str(name), str(reason)
