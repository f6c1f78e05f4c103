"""Why is this run worse than its siblings? Its departure from the family, what is different, its annealed loss, side by side."""

import json

from lightning_scaling.server.detail import detail


def seen_on_one_screen(page, *selectors):
    boxes = [page.locator(each).bounding_box() for each in selectors]
    return all(box and box["y"] >= 0 and box["y"] + box["height"] <= page.viewport_size["height"] for box in boxes)


def test_the_departure_stands_beside_what_is_different(look):
    seen = look("family")
    seen.page.set_viewport_size({"width": 1440, "height": 900})
    seen.page.click("#runs .name:text-is('worse')")
    seen.until("#side .siblings table")
    seen.until("#side .collapse[data-marks='6']")  # zero, the begin of the departure, three siblings, the run
    assert "Departs from its family" in seen.page.inner_text("#side")
    assert "since 62 %" in seen.page.text_content("#side .collapse")
    assert seen.page.locator("#side .siblings tbody td").all_inner_texts() == ["params.lr", "9e-4", "3e-4"]
    seen.page.evaluate("scrollTo(0, 0)")
    assert seen_on_one_screen(seen.page, "#side .collapse", "#side .siblings table", "#side .verdict-line")
    assert seen.console == []


def test_the_measured_annealed_loss_is_drawn_with_its_curve(look):
    seen = look("family")
    seen.page.click("#runs .name:text-is('worse')")
    seen.until("#side .chart[data-averaged='10']")
    assert "the average of recent weights has a loss of" in seen.page.inner_text("#side")


def test_a_run_without_siblings_has_neither(look):
    seen = look("alone")
    seen.page.click("#runs tbody .name")
    seen.until("#side .chart[data-averaged='0']")
    assert seen.page.locator("#side .collapse, #side .siblings").count() == 0


def test_broken_runs_are_json_too(make_run):
    run = make_run(1_000_000, 20)
    run.curve.loss[:] = float("inf")
    answer = detail(run, [make_run(2_000_000, 20).curve])
    assert answer["averaged"] is None
    json.dumps(answer, allow_nan=False)
