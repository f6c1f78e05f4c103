"""Runs as they are found: with inf and NaN, of one point, with very long names."""

import pytest

NAMES = ("ends at inf", "NaN half way", "all inf", "one point")


def test_one_run_that_is_infinite_leaves_the_others_drawn(look):
    seen = look("odd")
    assert seen.chart("runs") == "4"  # all but the one without a finite loss
    assert "1e+" not in seen.page.text_content("#loss-chart .axes")
    assert seen.page.locator("#runs tbody tr").count() == 5
    assert seen.console == []


@pytest.mark.parametrize("name", NAMES)
def test_each_of_them_opens(look, name):
    seen = look("odd")
    seen.page.click(f"#runs .name:text-is('{name}')")
    seen.until("#side .pairs")
    words = seen.page.inner_text("#side")
    assert not {"NaN", "undefined", "null", "Infinity"} & set(words.replace(name, "").split())
    assert seen.console == []


@pytest.mark.parametrize("width", [1440, 390])
def test_a_name_of_9000_characters_widens_nothing_and_is_read_in_full(look, store, width):
    seen = look("odd")
    seen.page.set_viewport_size({"width": width, "height": 800})
    seen.page.click("#runs .name:text('very-l')")
    seen.until("#side .pairs")
    assert seen.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert seen.page.locator("#side h2").bounding_box()["height"] < 80
    assert len(seen.page.get_attribute("#side h2", "title")) > 200
    assert seen.console == []
