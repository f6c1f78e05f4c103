"""Which figures a report shows, each with its file name, how to draw it, what it shows in words, and its caption."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from lightning_scaling.laws.presets.presets import Preset
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.report.content import Content
from lightning_scaling.report.figures import (
    all_panels,
    isoflop_curves,
    loss_against_compute,
    loss_contour,
    loss_slices,
    optimal_allocation,
    residuals,
)
from lightning_scaling.report.rows import rows
from lightning_scaling.report.sample import MOST_CURVES
from lightning_scaling.report.theme import Theme
from lightning_scaling.run.record import RunRecord


class Shown(NamedTuple):
    """One picture before it is drawn."""

    name: str
    draw: Callable[[Theme], Any]
    alt: str
    caption: str


def figures_of(content: Content) -> list[Shown]:
    """The pictures of a report in their order; each is drawn once a theme, however often it is asked for."""
    shown, runs = [_compute(content)], rows(content.records)
    if content.drawn_law is not None and any(r.flops > 0 for r in runs):
        shown += _law(content.records, content.drawn_law, content.presets)
    return [each._replace(draw=cache(each.draw)) for each in shown]


def panels_in_one(records: Sequence[RunRecord]) -> Shown:
    """The panels of the largest runs in one picture, for the file beside the page."""
    return Shown("runs", lambda theme: all_panels(records, theme), "Loss over tokens of each run, with the forecasts of its end.", "")


def _compute(content: Content) -> Shown:
    runs, law, frontier = content.records, content.drawn_law, content.drawn_frontier
    alt = f"Loss against training compute on logarithmic axes, one falling curve for each of {len(runs)} runs, coloured by model size"
    fitted = frontier is not None or (law is not None and law.split_identified)
    curves = min(len(runs), MOST_CURVES)
    caption = "Each curve is a run." if curves == len(runs) else f"Each dot is a run; {curves} of the {len(runs)} are drawn as curves."
    if fitted:
        caption += " Dashed: the fitted law with its 90 % band, dotted up to ten times the compute of the largest run."
    words = (f"{alt}, with the fitted law below them." if fitted else f"{alt}.", caption)
    return Shown("loss-against-compute", lambda theme: loss_against_compute(runs, frontier, law, theme, content.largest), *words)


def _law(records: Sequence[RunRecord], law: SurfaceFit, presets: Sequence[Preset]) -> list[Shown]:
    """The pictures of L(N, D); IsoFLOP curves and contours only where the runs identify the split of N and D."""
    shown = [
        ("isoflop", isoflop_curves, "the loss over model size at fixed compute, a curve for each budget", _ISOFLOP),
        ("contour", loss_contour, "contours of equal loss over parameters and tokens with the efficient frontier", _CONTOUR),
        ("slices", loss_slices, "the final loss against parameters and against tokens, with the law", _SLICES),
        ("residuals", residuals, "the difference between observed and fitted loss of each run in percent", _RESIDUALS),
    ]
    allocation = Shown("allocation", lambda theme: optimal_allocation(records, law, theme, presets), _ALLOCATION[0], _ALLOCATION[1])
    beside = [allocation] if law.split_identified else []  # an optimum that is not identified is not drawn as one
    shown = shown if law.split_identified else shown[-1:]
    return [Shown(name, _drawn(draw, records, law), f"A picture of {alt}.", caption) for name, draw, alt, caption in shown] + beside


def _drawn(draw: Callable[..., Any], records: Sequence[RunRecord], law: SurfaceFit) -> Callable[[Theme], Any]:
    return lambda theme: draw(records, law, theme)


_ISOFLOP = "A curve is one budget: a smaller model on more tokens (left), a larger one on fewer (right). Dots: runs; diamonds: best size."
_CONTOUR = (
    "Lines of equal loss by the law. A run above the frontier trained longer than the best split of its compute, one below it shorter."
)
_SLICES = "Dots: finished runs. Dashed: the law with the other quantity held at its least, its median and its most among the runs."
_RESIDUALS = "What the law leaves unexplained. A trend here means another law; the shaded band is one robust standard deviation."
_ALLOCATION = (
    "Two pictures: the best number of parameters, and of tokens, against compute, by the fitted law and by published ones.",
    "Orange: this law with its 90 % band, dotted beyond the runs (dots). Grey: published laws, each counted its own way and extrapolated "
    "to this compute.",
)
