"""The report as one file that needs nothing else: report.html with its pictures inside, and the same pictures as PNG beside it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lightning_scaling import numbers
from lightning_scaling.laws.approaches.side_by_side import Approach
from lightning_scaling.laws.presets.presets import Preset
from lightning_scaling.laws.runs_fit import RunsFit
from lightning_scaling.report import law_lines, methods, sentences
from lightning_scaling.report.content import Content
from lightning_scaling.report.download import runs_csv
from lightning_scaling.report.figure_list import Shown, figures_of, panels_in_one
from lightning_scaling.report.ill import ill_runs
from lightning_scaling.report.ill_shown import ill_shown
from lightning_scaling.report.links import Links, no_links
from lightning_scaling.report.optima import AllocationText, allocations, law_name
from lightning_scaling.report.picture import picture, save_png, themed
from lightning_scaling.report.rows import RunRow, rows, state_words, words
from lightning_scaling.report.siblings import FactsOf, no_facts
from lightning_scaling.run.readings import more_data_of, plateau_of
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.runs import Rejected

MOST_ROWS = 100  # of the table: beyond, a table is not read, and all runs are in runs.csv beside the page
MOST_ILL = 20


def write_report(
    folder: str | Path,
    records: Iterable[RunRecord],
    fit: RunsFit | None = None,
    title: str = "Scaling report",
    *,
    presets: Sequence[Preset] = (),
    rejected: Iterable[Rejected] = (),
    png: bool = True,
    refresh: float | None = None,
    links: Links = no_links,
    facts_of: FactsOf = no_facts,
) -> Path:
    """Writes report.html, runs.csv (and PNGs) into `folder`, made if missing; the path of the page.

    Args:
        records: any runs, finished or not, broken ones too.
        fit: of the finished ones, from `laws.fit_runs`; None shows the runs alone.
        presets: published laws shown beside the fitted one.
        rejected: runs that could not be read, with the reason.
        refresh: seconds after which a browser reloads the page, for watching.
        links: the address of a run's page in the store, empty where it has none.
        facts_of: parameters and tags of runs, for what is different about a run that needs a look.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    content = Content(list(records), fit, presets)
    page = folder / "report.html"
    pictures = figures_of(content)
    page.write_text(html(content, pictures, title, rejected, refresh, links, facts_of), encoding="utf-8")
    (folder / "runs.csv").write_text("".join(runs_csv(content.records)), encoding="utf-8")
    beside = (*pictures, *([panels_in_one(content.records)] if len(content.records) <= MOST_ROWS else []))
    for each in beside if png else ():
        save_png(each.draw, folder, each.name)
    return page


def html(
    content: Content,
    pictures: Sequence[Shown],
    title: str = "Scaling report",
    rejected: Iterable[Rejected] = (),
    refresh: float | None = None,
    links: Links = no_links,
    facts_of: FactsOf = no_facts,
) -> str:
    """The page itself; everything a user named is escaped by the template."""
    runs, largest = rows(content.records), content.largest
    ill, shown = ill_runs(runs, content.fit), _shown(runs)
    drawn = picture if len(runs) <= MOST_ROWS else themed  # thousands of curves are dear to draw, once more for a phone too
    return str(
        template("report.html").render(
            title=title,
            refresh=refresh,
            **_opening(content, runs),
            runs=[cells(r) | {"link": links(r.record)} for r in shown],
            all_runs=len(runs),
            ill=[cells(each.run) | {"link": links(each.run.record), "reason": each.reason} for each in ill[:MOST_ILL]],
            ill_shown=ill_shown(ill, runs, facts_of, drawn),
            ill_in_all=len(ill),
            ill_sentence=sentences.ill(runs, ill),
            law_lines=_law_lines(content),
            outcomes=[*content.outcomes, *(("Note", note) for note in content.notes)],
            approaches=_approaches(content.fit),
            prediction_lines=[] if largest is None else law_lines.prediction_lines(largest),
            allocations=_allocations(runs, content),
            pictures={p.name: drawn(p.draw, p.alt, p.caption) for p in pictures},
            methods=methods.paragraphs(content.records, content.fit),
            rejected=[(each.name or each.run_id, each.reason) for each in rejected],
        )
    )


def _allocations(runs: Sequence[RunRow], content: Content) -> list[AllocationText]:
    """Of the fitted law only where the runs identify how to split a budget."""
    law = content.drawn_law
    found = [] if law is None else allocations(runs, law, content.presets)
    return found if law is None or law.split_identified else [each for each in found if each.law != law_name(law)]


def _shown(runs: Sequence[RunRow]) -> list[RunRow]:
    """The runs of the table: all, or of very many the longest of each size and those of most compute."""
    if len(runs) <= MOST_ROWS:
        return list(runs)
    longest = list({run.params: run for run in runs}.values())
    chosen = longest if len(longest) <= MOST_ROWS // 2 else []
    chosen += [run for run in sorted(runs, key=lambda run: -run.flops) if run not in chosen][: MOST_ROWS - len(chosen)]
    return [run for run in runs if run in chosen]


def _opening(content: Content, runs: Sequence[RunRow]) -> dict[str, str]:
    """The sentence of each part."""
    surface, frontier = content.drawn_law, content.drawn_frontier
    return {
        "cost": sentences.cost(runs),
        "law": sentences.law(surface, frontier),
        "tenfold": sentences.tenfold(runs, surface, frontier),
        "prediction": sentences.prediction(content.largest),
        "half": sentences.half(runs),
    }


def cells(run: RunRow) -> dict[str, Any]:
    """One run as the page's table and panels write it."""
    forecast = run.forecast
    return {
        "name": run.name,
        "params": numbers.count(run.params),
        "tokens": numbers.count(run.tokens),
        "pf_days": numbers.compute(run.pf_days or None),
        "tokens_per_param": numbers.count(run.tokens_per_param),
        "loss": numbers.loss(run.loss),
        "forecast": numbers.loss(forecast.loss) if forecast else numbers.ABSENT,
        "interval": numbers.between(forecast.low, forecast.high) if forecast else "",
        "error": numbers.percent(run.error),
        "inside": run.inside,
        "verdict": run.verdict or numbers.ABSENT,
        "because": run.because,
        "data": words(data.answer) if (data := more_data_of(run.record)) else "",
        "data_because": data.because if data else "",
        "plateau": called.line if (called := plateau_of(run.record)) else "",
        "state": state_words(run.record),
    }


def _law_lines(content: Content) -> list[tuple[str, list[law_lines.Line]]]:
    compute = [] if content.drawn_frontier is None else law_lines.frontier_lines(content.drawn_frontier)
    surface = [] if content.drawn_law is None else law_lines.surface_lines(content.drawn_law)
    return [("Loss over compute, L(C)", compute), ("Loss over size and data, L(N, D)", surface)]


def _approaches(fit: RunsFit | None) -> dict[str, Any] | None:
    """The answers of several procedures on the same runs."""
    sides = None if fit is None else fit.approaches
    return None if sides is None else {"table": [_approach(a) for a in sides.table], "verdict": sides.verdict}


def _approach(each: Approach) -> dict[str, str]:
    ends = (each.interval, each.D_interval)
    a, b = (numbers.ABSENT if end is None else numbers.between(end[0], end[1], numbers.plain) for end in ends)
    values = {"N_exponent": numbers.plain(each.N_exponent), "D_exponent": numbers.plain(each.D_exponent)}
    return {"name": each.name, "N_interval": a, "D_interval": b, "because": each.because} | values


def template(name: str) -> Any:
    """The template of that file name in this folder: every value put into it is escaped, a value that is missing is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("lightning_scaling", "report"), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    return environment.get_template(name)
