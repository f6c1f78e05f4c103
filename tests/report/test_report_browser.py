"""The page in a real headless Chromium: no complaint in the console, no request, nothing wider than the window."""

import pytest

from lightning_scaling.report import write_report

# Chromium changes the picture some time after the window: each must be the one its media query now asks for, and be read.
DRAWN = """() => [...document.querySelectorAll("figure picture")].every((picture) => {
  const image = picture.querySelector("img");
  const source = [...picture.querySelectorAll("source")].find((s) => matchMedia(s.media).matches);
  return image.complete && image.currentSrc === (source ? source.srcset : image.src);
})"""


@pytest.fixture(scope="module")
def address(tmp_path_factory, ladder, make_run, true_law, fit_with):
    runs = [*ladder[:2], make_run(400_000, seen=0.6, name="<script>alert(1)</script>"), make_run(500_000, seen=0.2, name="n" * 200)]
    return write_report(tmp_path_factory.mktemp("report"), runs, fit_with(true_law), png=False).as_uri()


@pytest.fixture(params=["light", "dark"])
def opened(request, browser, address):
    page = browser.new_page(viewport={"width": 1366, "height": 768}, color_scheme=request.param)
    console, asked = [], []
    page.on("console", lambda message: console.append(message.text))
    page.on("pageerror", lambda error: console.append(str(error)))
    page.on("dialog", lambda dialog: console.append(dialog.message))
    page.on("request", lambda r: asked.append(r.url) if not r.url.startswith("data:") else None)
    page.goto(address)
    page.wait_for_function(DRAWN)
    yield page, console, asked
    page.close()


def resized(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.wait_for_function(DRAWN)
    return page


def test_the_console_stays_silent_and_nothing_else_is_asked_for(opened, address):
    _, console, asked = opened
    assert console == []
    assert asked == [address]


def test_every_picture_is_shown(opened):
    sizes = opened[0].eval_on_selector_all("img", "all => all.map(i => i.naturalWidth)")
    assert sizes
    assert min(sizes) > 100


def test_the_picture_follows_the_theme(opened):
    page = opened[0]
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    chosen = page.eval_on_selector("figure img", "i => i.currentSrc == i.src")
    assert chosen is not dark


def test_on_a_phone_every_picture_fits_and_its_text_is_readable(opened):
    page = resized(opened[0], 390)
    shown = page.eval_on_selector_all("figure img", "all => all.map((i) => [i.getBoundingClientRect().width, i.naturalWidth])")
    assert all(width <= 390 for width, _ in shown)
    assert min(width / natural for width, natural in shown) > 0.75  # text of 12 pixels is at least 9


@pytest.mark.parametrize("width", [390, 1366, 1920])
def test_nothing_is_wider_than_the_window(opened, width):
    page = resized(opened[0], width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
