"""The look of every picture and page: one palette on light paper and one on dark, the same meaning in both.

Model size runs through viridis (perceptually uniform, safe for the colour-blind), cut so that every colour contrasts with its paper;
the larger the model, the stronger the contrast. What is fitted or forecast is vermilion, which viridis does not contain, and never
shown by colour alone: it is dashed, banded or labelled.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Theme:
    """Colours as hex; `sizes` are the ends of the cut through viridis, smallest model first; `narrow` is for the screen of a phone."""

    name: str
    paper: str
    ink: str
    muted: str
    grid: str
    accent: str
    sizes: tuple[float, float]
    narrow: bool = False


LIGHT = Theme("light", "#ffffff", "#1c2330", "#5d6675", "#e6e8ec", "#b93d08", (0.80, 0.03))
DARK = Theme("dark", "#14171c", "#e8eaee", "#9aa3b2", "#2a2f38", "#ff8f5a", (0.30, 0.98))
THEMES = {theme.name: theme for theme in (LIGHT, DARK)}


def theme_of(theme: "str | Theme") -> Theme:
    """The theme by name; ValueError names the two there are."""
    if isinstance(theme, Theme):
        return theme
    if theme not in THEMES:
        raise ValueError(f"no theme {theme!r}; there are {' and '.join(THEMES)}")
    return THEMES[theme]


def size_colours(params: Sequence[float | None], theme: Theme) -> list[Any]:
    """One colour a run by log N; runs of unknown size are muted, runs of one size share the strongest colour."""
    from matplotlib import colormaps

    known = [np.log(p) for p in params if p]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    small, large = theme.sizes
    viridis = colormaps["viridis"]  # each look-up copies it

    def colour(p: float | None) -> Any:
        share = (np.log(p) - low) / (high - low) if p and high > low else 1.0
        return viridis(small + (large - small) * share) if p else theme.muted

    return [colour(p) for p in params]


@contextmanager
def drawing(theme: Theme) -> Iterator[None]:
    """Within it matplotlib draws in this theme; outside nothing has changed."""
    from matplotlib import rc_context

    settings: Any = _rc(theme)
    with rc_context(settings):
        yield


@cache
def font_family() -> list[str]:
    """A neutral grotesque if the machine has one, then DejaVu, which matplotlib brings and which has the signs the others lack."""
    from matplotlib import font_manager

    present = set(font_manager.get_font_names())
    wanted = ("Helvetica Neue", "Helvetica", "Arial", "Liberation Sans")
    return [next((name for name in wanted if name in present), "DejaVu Sans"), "DejaVu Sans"]


_SHARED = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.linewidth": 0.6,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "xtick.minor.size": 0.0,
    "ytick.minor.size": 0.0,
    "lines.linewidth": 1.5,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",  # text as text: a quarter of the size of outlines, and it can be searched
    "svg.hashsalt": "lightning-scaling",
}


def _rc(theme: Theme) -> dict[str, Any]:
    return _SHARED | {
        "font.family": font_family(),
        "axes.titlecolor": theme.ink,
        "axes.labelcolor": theme.muted,
        "axes.edgecolor": theme.muted,
        "axes.facecolor": theme.paper,
        "grid.color": theme.grid,
        "figure.facecolor": theme.paper,
        "savefig.facecolor": theme.paper,
        "text.color": theme.ink,
        "xtick.color": theme.muted,
        "ytick.color": theme.muted,
    }
