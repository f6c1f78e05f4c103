"""A figure as it is embedded or saved: SVG for both themes and for a phone inside the page, PNG files beside it."""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from lightning_scaling.report.theme import DARK, LIGHT, Theme, drawing, font_family

_DPI = 144
_PHONE = 460  # pixels: a picture up to this width can be read on a phone as it is
_DARK = "screen and (prefers-color-scheme: dark)"
_NARROW = f"(max-width: {int(1.5 * _PHONE)}px)"


class Source(NamedTuple):
    """One drawing of a picture: the screens it is for, itself as a data URI, its size in pixels."""

    media: str
    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Picture:
    """One picture as a browser chooses among its drawings: the first of `others` whose media fit, else `light`; `alt` describes it."""

    light: Source
    others: tuple[Source, ...]
    alt: str
    caption: str = ""


def picture(draw: Callable[[Theme], Any], alt: str, caption: str = "") -> Picture:
    """`draw` called once for each theme, and again for a phone where the picture is wide."""
    wide = themed(draw, alt, caption)
    if wide.light.width <= _PHONE:
        return wide
    narrow = ((DARK, f"{_DARK} and {_NARROW}"), (LIGHT, f"screen and {_NARROW}"))
    return replace(wide, others=(*(_source(draw, replace(theme, narrow=True), media) for theme, media in narrow), *wide.others))


def themed(draw: Callable[[Theme], Any], alt: str, caption: str = "") -> Picture:
    """`draw` called once for each theme."""
    return Picture(_source(draw, LIGHT, ""), (_source(draw, DARK, _DARK),), alt, caption)


def _source(draw: Callable[[Theme], Any], theme: Theme, media: str) -> Source:
    figure = draw(theme)
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return Source(media, data_uri(svg(figure, theme)), width, height)


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
