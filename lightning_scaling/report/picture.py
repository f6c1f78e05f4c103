"""A figure as it is embedded or saved: SVG for both themes inside the page, PNG files beside it."""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_scaling.report.theme import DARK, LIGHT, Theme, drawing, font_family

_DPI = 144


@dataclass(frozen=True)
class Picture:
    """One picture in both themes: `light` and `dark` are data URIs, `alt` describes it in words."""

    light: str
    dark: str
    alt: str
    caption: str = ""
    width: int = 0
    height: int = 0


def picture(draw: Callable[[Theme], Any], alt: str, caption: str = "") -> Picture:
    """`draw` called once for each theme."""
    figures = {theme.name: draw(theme) for theme in (LIGHT, DARK)}
    width, height = (round(96 * inches) for inches in figures["light"].get_size_inches())
    sources = {theme.name: data_uri(svg(figures[theme.name], theme)) for theme in (LIGHT, DARK)}
    return Picture(sources["light"], sources["dark"], alt, caption, width, height)


def svg(figure: Any, theme: Theme) -> bytes:
    """The figure as SVG, the same bytes for the same data."""
    written = io.BytesIO()
    with drawing(theme):
        figure.savefig(written, format="svg", dpi=_DPI, metadata={"Date": None, "Creator": None})
    return written.getvalue().replace(*_any_machine())


def _any_machine() -> tuple[bytes, bytes]:
    """The fonts of this machine, and in their place fonts of the same widths that any machine has one of."""
    here = ", ".join(f"'{name}'" for name in font_family())
    return here.encode(), b"'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif"


def data_uri(svg: bytes) -> str:
    """An address that holds the picture itself."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")


def save_png(draw: Callable[[Theme], Any], folder: Path, name: str) -> list[Path]:
    """`name`.png and `name`-dark.png in `folder`."""
    paths = []
    for theme, path in ((LIGHT, folder / f"{name}.png"), (DARK, folder / f"{name}-dark.png")):
        with drawing(theme):
            draw(theme).savefig(path, dpi=_DPI, metadata={"Software": None})
        paths.append(path)
    return paths
