"""Comparing runs on the page: tick, hide, filter, columns, metric, axes, smoothing, groups, zoom; all of it in the address, and Back."""

import csv
import io

import pytest


def ticks(seen, *names):
    for name in names:
        seen.page.check(f"#runs tbody tr:has(.name:text-is('{name}')) input")


def test_ticked_runs_are_compared_and_hidden(look):
    seen = look("ladder")
    ticks(seen, "run-1000000-10", "run-8000000-40")
    seen.page.click("#runs button:has-text('show only these')")
    assert seen.chart("runs") == "2"
    assert "only=1" in seen.page.url
    seen.page.click("#runs button:has-text('show the others too')")
    seen.page.click("#runs button:has-text('hide these')")
    assert seen.chart("runs") == "8"
    assert "run-1000000-10" not in seen.page.inner_text("#runs tbody")
    seen.page.click("#runs button:has-text('show 2 hidden')")
    assert seen.chart("runs") == "10"
    assert seen.console == []


def test_compared_runs_have_one_colour_in_chart_and_table(look):
    seen = look("ladder")
    ticks(seen, "run-1000000-10", "run-8000000-40", "run-8000000-10")
    seen.page.click("#runs button:has-text('show only these')")
    dots = seen.page.eval_on_selector_all("#runs tbody circle", "all => all.map((dot) => dot.getAttribute('fill'))")
    read = "async () => (await import('/scaling/static/loss.js')).lossChart().picture.marks.filter((m) => m.type === 'line' && m.run)"
    drawn = [mark["colour"] for mark in seen.page.evaluate(read)]
    assert len(set(dots)) == 3
    assert set(dots) == set(drawn)


def test_on_a_phone_the_controls_are_folded_and_the_chart_is_on_the_first_screen(look):
    seen = look("ladder")
    seen.on_a_phone()
    assert seen.page.locator("#loss-chart").bounding_box()["y"] < 420
    assert not seen.page.is_visible("#x")
    seen.page.click("#controls summary")
    seen.page.select_option("#x", "tokens")
    assert seen.chart("x") == "training tokens"
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("width", [1024, 1440])
def test_the_controls_take_two_lines(look, width):
    seen = look("ladder")
    seen.page.set_viewport_size({"width": width, "height": 768})
    middles = "all => all.map((e) => e.getBoundingClientRect()).filter((box) => box.height).map((box) => (box.top + box.bottom) / 2)"
    lines = {round(middle / 12) for middle in seen.page.eval_on_selector_all("#loss .tools > *", middles)}
    assert len(lines) == 2
    assert seen.page.locator("#loss .tools :is(input, select, button, summary):visible").count() >= 11


def test_a_shared_address_shows_the_same_and_back_goes_back(look):
    seen = look("ladder")
    ticks(seen, "run-1000000-10", "run-2000000-40")
    seen.page.click("#runs button:has-text('show only these')")
    seen.page.select_option("#x", "tokens")
    address = seen.page.url
    other = look("ladder", more=f"&{address.split('?', 1)[1]}")
    assert (other.chart("runs"), other.chart("x")) == ("2", "training tokens")
    seen.page.go_back()
    seen.until("#loss-chart[data-x*='PF-days']")
    assert seen.chart("runs") == "2"
    assert seen.page.input_value("#x") == "pf_days"
    seen.page.go_back()
    seen.until('#loss-chart[data-runs="10"]')


def test_a_filter_in_mlflow_s_language_leaves_what_it_finds(look):
    seen = look("ladder")
    seen.page.fill("#filter", "tags.`scaling.family` = 'moe' and metrics.`scaling/tokens` > 1")
    seen.page.press("#filter", "Enter")
    seen.until('#loss-chart[data-runs="4"]')
    assert "filter=" in seen.page.url
    seen.page.fill("#filter", "nonsense ===")
    seen.page.press("#filter", "Enter")
    seen.page.wait_for_function("() => document.querySelector('#filter-error').textContent.includes('cannot read this filter')")
    assert seen.chart("runs") == "10"


def test_columns_are_added_taken_away_and_sorted_by(look):
    seen = look("ladder", more="&cols=tags.scaling.family,-verdict&sort=tags.scaling.family&down=1")
    seen.until("#runs td:has-text('moe')")
    heads = seen.page.locator("#runs thead th").all_inner_texts()
    assert "tags.scaling.family" in heads
    assert "verdict" not in heads
    column = [text for text in seen.page.locator("#runs tbody tr td:nth-last-child(2)").all_inner_texts() if text != "–"]
    assert column == sorted(column, reverse=True)
    seen.page.click("#columns summary")
    seen.page.uncheck("#columns label:has-text('tokens/N') input")
    assert "tokens/N" not in seen.page.inner_text("#runs thead")
    assert seen.page.is_visible("#columns label")  # the menu stays open for the next choice


def test_any_logged_metric_is_drawn_on_the_compute_axis(look):
    seen = look("ladder")
    seen.page.fill("#metric", "scaling/tokens")
    seen.page.press("#metric", "Enter")
    seen.until("#loss-chart[data-y='scaling/tokens']")
    seen.page.wait_for_function("() => Number(document.querySelector('#loss-chart').dataset.runs) >= 9")
    assert "PF-days" in seen.chart("x")


@pytest.mark.parametrize(("axis", "label"), [("step", "steps"), ("clock", "wall clock")])
def test_steps_and_wall_clock_are_axes_too(look, axis, label):
    seen = look("ladder")
    seen.page.select_option("#x", axis)
    seen.page.wait_for_function("() => Number(document.querySelector('#loss-chart').dataset.runs) >= 9")
    assert label in seen.chart("x")
    assert seen.console == []


def test_smoothing_changes_the_curves_and_not_the_data(look):
    seen = look("ladder")
    read = "async () => { const c = await import('/scaling/static/courses.js'), r = await import('/scaling/static/runs.js'); "
    read += "const run = r.all()[0]; return [c.course(run).y, run.y]; }"
    before, raw = seen.page.evaluate(read)
    assert before == raw
    seen.page.fill("#smooth", "0.9")
    after, again = seen.page.evaluate(read)
    assert again == raw
    assert after[0] == pytest.approx(raw[0])
    assert after[-1] > raw[-1]  # a falling curve, smoothed, lags behind


def test_runs_of_one_size_and_budget_become_a_mean_with_a_band(look):
    seen = look("seeds", more="&text=seed-")
    assert seen.chart("runs") == "3"
    seen.page.select_option("#group", "seeds")
    assert seen.chart("runs") == "1"
    read = "async () => (await import('/scaling/static/loss.js')).lossChart().picture.marks.find((mark) => mark.type === 'band')"
    band = seen.page.evaluate(read)
    assert all(low < high for low, high in zip(band["low"], band["high"], strict=True))
    assert "group=seeds" in seen.page.url


def test_one_tip_names_every_run_at_one_place(look):
    seen = look("ladder")
    box = seen.page.locator("#loss-chart").bounding_box()
    seen.page.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 0.5 * box["height"])
    seen.until("#loss-chart .tip:not([hidden])")
    assert len(set(seen.page.inner_text("#loss-chart .tip").splitlines())) >= 4


def test_a_part_is_enlarged_kept_in_the_address_and_reset(look):
    seen = look("ladder")
    box = seen.page.locator("#loss-chart").bounding_box()
    before = seen.page.text_content("#loss-chart .axes")
    seen.page.mouse.move(box["x"] + 200, box["y"] + 80)
    seen.page.mouse.down()
    seen.page.mouse.move(box["x"] + 400, box["y"] + 250, steps=4)
    seen.page.mouse.up()
    seen.until("#reset:not([hidden])")
    assert "zoom=" in seen.page.url
    enlarged = seen.page.text_content("#loss-chart .axes")
    assert enlarged != before
    other = look("ladder", more=f"&{seen.page.url.split('?', 1)[1]}")
    assert other.page.text_content("#loss-chart .axes") == enlarged
    seen.page.click("#reset")
    assert seen.page.text_content("#loss-chart .axes") == before


def test_what_is_shown_can_be_saved_as_csv(look):
    seen = look("ladder", more="&text=run-1000000")
    seen.page.click("#save summary")
    with seen.page.expect_download() as waiting:
        seen.page.click("#save button:has-text('what is shown')")
    rows = list(csv.DictReader(io.StringIO(waiting.value.path().read_text())))
    assert {row["name"] for row in rows} == {"run-1000000-10", "run-1000000-40"}
    assert all(float(row["training compute (PF-days)"]) > 0 for row in rows)


def test_the_page_is_used_without_a_mouse(look):
    seen = look("ladder")
    seen.page.focus("#loss-chart")
    for key in ("ArrowUp", "ArrowLeft", "Enter"):
        seen.page.keyboard.press(key)
    seen.until("#side .pairs")
    assert seen.page.inner_text("#spoken").startswith("run-")  # named once for the side panel, and again when the chart is drawn anew
    seen.page.keyboard.press("Escape")
    seen.page.wait_for_function("() => !location.search.includes('run=')")
    seen.page.focus("#runs thead button[data-focus='sort loss']")
    seen.page.keyboard.press("Enter")
    assert seen.page.evaluate("document.activeElement.dataset.focus") == "sort loss"  # the table was made anew
    seen.page.focus("#columns summary")
    seen.page.keyboard.press("Enter")
    seen.page.keyboard.press("Escape")
    assert not seen.page.evaluate("document.querySelector('#columns').open")
    assert seen.page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_the_power_law_the_plateau_and_the_answer_about_data_stand_beside_the_run(look):
    seen = look("seeds", more="&text=plateaued")
    seen.page.click("#runs tbody .name")
    seen.until("#side .chart[data-law=drawn][data-plateau=marked]")
    answer = seen.page.inner_text("#side")
    assert "L(C) = " in answer
    assert "plateau: the rest of the budget" in answer
    assert "Keep adding data? no." in answer


def test_a_run_is_set_beside_its_siblings_with_what_is_different(look):
    seen = look("seeds", more="&text=seed-12")
    seen.page.click("#runs tbody .name")
    seen.until("#side .siblings table")
    assert "2 finished runs of this size and about this length ended at" in seen.page.inner_text("#side .siblings")
    assert seen.page.locator("#side .siblings tbody td").all_inner_texts() == ["tags.lr", "0.3", "0.1"]
