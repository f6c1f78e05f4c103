"""What a person sees and does on the page, in a real browser against a real server."""

import re

import pytest

SCRIPT = "<script>document.title='taken'</script><img src=x onerror=alert(1)>"


def test_the_console_stays_silent_and_no_request_leaves_the_server(look, server):
    seen = look("ladder")
    seen.until("#law table")
    assert seen.console == []
    assert [url for url in seen.asked if not url.startswith((server, "data:", "blob:"))] == []


def test_every_readable_run_is_drawn(look):
    seen = look("ladder", "alone")
    assert int(seen.chart("runs")) >= 11
    assert str(seen.page.locator("#runs tbody tr").count()) == seen.chart("runs")


def test_axes_switch(look):
    seen = look("ladder")
    assert "PF-days" in seen.chart("x")
    for choice, label in (("flops", "FLOPs"), ("tokens", "tokens"), ("params", "parameters")):
        seen.page.select_option("#x", choice)
        assert label in seen.chart("x")
    before = seen.page.text_content("#loss-chart .axes")
    seen.page.click("#loss .toggle:text-is('log x')")
    assert seen.page.text_content("#loss-chart .axes") != before


def test_filters_leave_the_runs_that_pass(look):
    seen = look("ladder")
    seen.page.select_option("#family", "moe")
    assert seen.chart("runs") == "4"
    seen.page.select_option("#family", "")
    seen.page.select_option("#state", "INTERRUPTED")
    assert seen.chart("runs") == "1"
    seen.page.select_option("#state", "")
    seen.page.fill("#text", "RUN-80")
    seen.until('#loss-chart[data-runs="2"]')
    seen.page.fill("#text", "no such run")
    seen.until("#loss-chart .empty")


def test_the_address_keeps_what_is_looked_at(look):
    seen = look("ladder", more="&x=tokens&xlog=linear&state=RUNNING")
    assert seen.chart("runs") == "1"
    seen.page.select_option("#x", "flops")
    assert "x=flops" in seen.page.url
    assert "state=RUNNING" in seen.page.url


def test_the_slider_changes_the_plan(look):
    seen = look("ladder")
    seen.until(".planner-best dd")
    first = seen.page.inner_text(".planner-best dd >> nth=0"), seen.page.inner_text(".planner-table")
    seen.page.focus("#budget")
    for _ in range(6):
        seen.page.keyboard.press("ArrowRight")
    second = seen.page.inner_text(".planner-best dd >> nth=0"), seen.page.inner_text(".planner-table")
    assert first[0] != second[0]
    assert first[1] != second[1]
    assert "Hoffmann 2022" in second[1]


def test_a_click_on_a_run_tells_its_forecast_and_verdict(look, store):
    seen = look("ladder")
    seen.page.click("#runs tbody tr:has-text('in progress') .name")
    seen.until("#side .pairs")
    answer = seen.page.inner_text("#side")
    assert re.search(r"Expected at the end of its token budget: \d\.\d+ \(\d\.\d+–\d\.\d+\)", answer)
    assert "continue it still falls" in answer
    assert seen.page.get_attribute("#side a.mlflow", "href") == f"./#/experiments/{store.ids['ladder']}/runs/{store.running.run_id}"


def test_a_click_into_the_chart_chooses_the_nearest_run(look):
    seen = look("alone", more="&x=params&xlog=linear")
    box = seen.page.locator("#loss-chart").bounding_box()
    seen.page.mouse.move(box["x"] + 5, box["y"] + 5)
    dot = seen.page.locator("#loss-chart .words text").first.bounding_box()  # the label is 8 pixels right of its point
    seen.page.mouse.click(dot["x"] - 8, dot["y"] + dot["height"] / 2 + 1)
    seen.until("#side .pairs")


def test_names_are_text_and_never_markup(look):
    seen = look("alone", "ladder", "broken")
    seen.page.fill("#text", "script")
    seen.until('#loss-chart[data-runs="1"]')
    assert SCRIPT in seen.page.inner_text("#runs")
    seen.page.click("#runs tbody .name")
    seen.until("#side .pairs")
    assert SCRIPT in seen.page.inner_text("#side")
    assert seen.page.locator("main img, main script, main b:text-is('plain')").count() == 0
    assert "Scaling" in seen.page.title()
    assert seen.console == []


def test_a_long_name_does_not_widen_the_page(look):
    seen = look("ladder")
    seen.page.click("#runs tbody .name:has-text('-tail')")
    seen.until("#side .pairs")
    assert seen.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_an_experiment_without_runs_says_so(look):
    seen = look("empty")
    seen.until("body.no-runs #planner")
    assert "There are no runs here yet" in seen.page.inner_text("#lead")
    assert "Published laws alone" in seen.page.inner_text("#planner")
    assert not any(seen.page.is_visible(f"#{part}") for part in ("loss", "side", "runs", "law"))  # nothing to show in them
    assert seen.console == []


def test_one_run_is_drawn_and_no_law_is_claimed(look):
    seen = look("alone")
    seen.until("#law .outcome.refused")
    assert seen.chart("runs") == "1"
    assert "at least three finished runs" in seen.page.inner_text("#law")
    assert "do not identify how to split" in seen.page.inner_text("#planner")


def test_runs_that_cannot_be_read_are_listed_with_the_reason(look):
    seen = look("broken")
    assert "damaged: record damaged" in seen.page.inner_text("#broken")
    seen.page.click("#external .left summary")
    assert "<b>plain</b> logger" in seen.page.inner_text("#external")


def test_an_experiment_that_is_not_there_is_named_and_another_shown(look, store, monkeypatch):
    monkeypatch.setitem(store.ids, "gone", "999999")
    seen = look("gone")
    assert "no experiment with the id 999999" in seen.page.inner_text("#message")
    assert "Shown instead: ladder" in seen.page.inner_text("#message")
    assert seen.page.inner_text("#experiments summary") == "ladder"


def test_without_an_address_the_experiment_with_the_best_law_is_shown(look):
    assert look().page.inner_text("#experiments summary") == "ladder"  # neither the newest nor the one of most runs a size


@pytest.mark.parametrize("kind", ["PNG", "SVG"])
def test_the_picture_can_be_saved(look, kind):
    seen = look("ladder")
    seen.page.click("#save summary")
    with seen.page.expect_download() as waiting:
        seen.page.click(f"#save button:has-text('{kind}')")
    content = waiting.value.path().read_bytes()
    assert content.startswith(b"\x89PNG" if kind == "PNG" else b"<svg")
    assert len(content) > 5000


def test_the_page_says_the_numbers_of_the_report(look, server):
    from lightning_scaling import numbers

    seen = look("alone")
    values = [0.0, 1_300_000, 2.38e12, 999_999, 12, 0.00123, 5.76e23, 2.31149, 0.231149, 10.5, 1234.6]
    write = "v.map((x) => [n.count(x), n.scientific(x), n.loss(x)])"
    script = f"async (v) => {{ const n = await import('/scaling/static/numbers.js'); return {write}; }}"
    assert seen.page.evaluate(script, values) == [[numbers.count(x), numbers.scientific(x), numbers.loss(x)] for x in values]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_sizes_have_the_colours_of_the_report(look, scheme):
    matplotlib = pytest.importorskip("matplotlib")
    from lightning_scaling.report.theme import THEMES, size_colours

    seen = look("alone")
    seen.page.emulate_media(color_scheme=scheme)
    sizes = [1e6, 3e6, 1e7, 1e8]
    drawn = seen.page.evaluate("async (n) => { const c = await import('/scaling/static/colours.js'); return n.map(c.bySize(n)); }", sizes)
    for hexed, colour in zip(drawn, size_colours(sizes, THEMES[scheme]), strict=True):
        assert matplotlib.colors.to_rgb(hexed) == pytest.approx(colour[:3], abs=0.02)


def test_unfinished_runs_are_counted_in_on_request(look):
    seen = look("ladder")
    seen.until("#law table")
    before = seen.page.inner_text("#law")
    seen.page.check("#unfinished")
    seen.page.wait_for_function("text => document.querySelector('#law').innerText !== text", arg=before)
    assert "unfinished=true" in seen.page.url
    assert seen.console == []
