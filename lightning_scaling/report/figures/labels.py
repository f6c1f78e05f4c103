"""Direct labels that never lie on each other: each takes the first of its places that is free, and is left out when none is."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lightning_scaling.report.theme import Theme

Point = tuple[float, float]
Place = tuple[float, float, str, str]  # offset in points, horizontal and vertical alignment

BELOW_LEFT: tuple[Place, ...] = ((-2, -9, "right", "top"), (-4, -16, "right", "top"), (2, -11, "center", "top"))
_FALLBACK = 0.14  # inches at the right of a name: the font of whoever looks may be wider than the one measured here
RIGHT: tuple[Place, ...] = ((7, 0, "left", "center"), (7, 7, "left", "center"), (7, -7, "left", "center"))


def place(
    axes: Any, points: Sequence[Point], texts: Sequence[str], places: Sequence[Place] = RIGHT, around: Sequence[Point] = (), **style: Any
) -> list[Any]:
    """Writes each text beside its point (data coordinates) where it hits no earlier text and no marker of `around`; the texts written.

    The last point is served first: with runs by size, the largest keeps its label.
    """
    axes.figure.draw_without_rendering()  # the layout decides where the points lie
    renderer = axes.figure.canvas.get_renderer()
    taken = [text.get_window_extent(renderer) for text in axes.texts] + _markers(axes, around)
    written = []
    for point, text in reversed(list(zip(points, texts, strict=True))):
        for offset in places:
            candidate = _write(axes, point, text, offset, style)
            box = candidate.get_window_extent(renderer)
            if not any(box.overlaps(other) for other in taken):
                taken.append(box)
                written.append(candidate)
                break
            candidate.remove()
    return written


def _markers(axes: Any, around: Sequence[Point]) -> list[Any]:
    from matplotlib.transforms import Bbox

    half = 3 * axes.figure.dpi / 72
    centres = axes.transData.transform(around) if len(around) else []
    return [Bbox.from_extents(x - half, y - half, x + half, y + half) for x, y in centres]


def _write(axes: Any, point: tuple[float, float], text: str, offset: Place, style: dict[str, Any]) -> Any:
    dx, dy, ha, va = offset
    return axes.annotate(text, point, xytext=(dx, dy), textcoords="offset points", ha=ha, va=va, annotation_clip=False, **style)


def name_ends(axes: Any, end: float, heights: Sequence[float], texts: Sequence[str], gap: float = 10.5, **style: Any) -> list[Any]:
    """Names lines at their right ends (`end`, height), moved apart to `gap` points, each tied to its line by a thin leader."""
    axes.figure.get_layout_engine().set(w_pad=_FALLBACK)
    axes.figure.draw_without_rendering()
    at = axes.transData.transform([(end, h) for h in heights])[:, 1] * 72 / axes.figure.dpi
    named = []
    for height, text, shift in zip(heights, texts, apart(at, gap) - at, strict=True):
        leader = dict(arrowstyle="-", lw=0.5, color=style.get("color", "gray"), shrinkA=1, shrinkB=1, relpos=(0, 0.5))
        offset = dict(xytext=(13, shift), textcoords="offset points", ha="left", va="center", annotation_clip=False)
        named.append(axes.annotate(text, (end, height), arrowprops=leader, **offset, **style))
    return named


def apart(heights: Any, gap: float) -> Any:
    """Heights moved as little as possible (least squares) to lie at least `gap` apart in their order: isotonic regression.

    >>> apart([0.0, 0.1, 5.0], 1.0).round(2).tolist()
    [-0.45, 0.55, 5.0]
    """
    order = np.argsort(heights, kind="stable")
    blocks: list[list[float]] = []
    for rank, k in enumerate(order):
        blocks.append([float(heights[k]) - rank * gap])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    level = np.concatenate([np.full(len(block), np.mean(block)) for block in blocks]) if blocks else np.empty(0)
    moved = np.empty(len(level))
    moved[order] = level + gap * np.arange(len(level))
    return moved


def halo(text: Any, look: Theme) -> None:
    """A rim of paper around a text, so that it reads across a line."""
    from matplotlib.patheffects import withStroke

    text.set_path_effects([withStroke(linewidth=2.5, foreground=look.paper)])
