"""The ends of runs as dots: one artist each where they are few, one for all where they are many, as a raster in the picture."""

from collections.abc import Sequence
from typing import Any

from lightning_scaling.report.rows import RunRow
from lightning_scaling.report.theme import Theme, size_colours

MANY = 150  # runs: above, thousands of SVG elements would make the picture megabytes


def dots(axes: Any, runs: Sequence[RunRow], x: Sequence[float], y: Sequence[float], look: Theme, **style: Any) -> None:
    """A dot a run coloured by size, filled where the run is finished; `style` has ms, mew, zorder, gid."""
    colours = size_colours([run.params for run in runs], look)
    if len(runs) <= MANY:
        for run, a, b, colour in zip(runs, x, y, colours, strict=True):
            axes.plot(a, b, "o", color=colour, mfc=colour if run.fitted else look.paper, **style)
        return
    faces = [colour if run.fitted else look.paper for run, colour in zip(runs, colours, strict=True)]
    more = {
        "s": 0.5 * style.get("ms", 5) ** 2,
        "linewidths": 0.6,
        "zorder": style.get("zorder", 3),
        "gid": style.get("gid"),
        "in_layout": False,
    }
    axes.scatter(x, y, c=faces, edgecolors=colours, alpha=0.7, rasterized=True, **more)


def curves(axes: Any, lines: Sequence[tuple[Any, Any]], colours: Sequence[Any], zorder: float, thin: float) -> None:
    """A line (x, y) each, as one artist; a raster where they are many."""
    from matplotlib.collections import LineCollection

    drawn = [list(zip(x, y, strict=True)) for x, y in lines]
    looks: dict[str, Any] = {
        "linewidths": 0.5 + thin,
        "alpha": 0.4 + 0.6 * thin,
        "zorder": zorder,
        "rasterized": len(lines) > MANY,
        "gid": "curve",
        "in_layout": False,
    }
    axes.add_collection(LineCollection(drawn, colors=list(colours), **looks), autolim=False)
