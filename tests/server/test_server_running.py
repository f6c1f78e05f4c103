"""A run in progress while the page is open."""


def test_a_new_point_of_a_running_run_is_drawn(look, store, make_run):
    seen = look("ladder", more="&state=RUNNING")
    seen.page.click("#runs tbody .name")
    seen.until("#side .pairs")
    assert "50 %" in seen.page.inner_text("#side .pairs")
    points = int(seen.chart("points"))
    store.running.record(make_run(16_000_000, 20, seen=0.6, key="running"))
    seen.until(f'#loss-chart[data-points="{points + 8}"]')
    seen.until("#side .pairs:has-text('60 %')")
    assert seen.console == []


def test_a_new_run_shows_without_a_reload(look, store, make_run, write):
    seen = look("ladder", "seeds", more="&family=newcomer")  # no test counts the runs of "seeds"
    assert seen.chart("runs") == "0"
    write(store.uri, "seeds", make_run(3_000_000, 20, seen=0.5, seed=9, family="newcomer"), "newcomer", status="FAILED")
    seen.until('#loss-chart[data-runs="1"]')


def test_a_refresh_leaves_open_menus_words_scroll_and_focus_alone(look, store, make_run):
    seen = look("ladder", more="&state=")
    page, points = seen.page, int(seen.chart("points"))
    seen.until("#law table")
    page.click("#runs tbody tr:has-text('in progress') .name")
    seen.until("#side .law-words")
    page.click("#side .law-words summary")
    page.click("#columns summary")
    page.evaluate("document.querySelector('#columns').before = document.querySelector('#columns summary').before = true")
    page.evaluate("document.styleSheets[0].insertRule('#runs .scroll { max-height: 120px !important }')")
    page.evaluate("document.querySelector('#runs .scroll').scrollTop = 60")
    page.evaluate("document.querySelector('#runs tbody .name').focus({preventScroll: true})")
    store.running.record(make_run(16_000_000, 20, seen=0.8, key="running"))
    page.wait_for_function("n => Number(document.querySelector('#loss-chart').dataset.points) > n", arg=points)
    seen.until("#side .pairs:has-text('80 %')")
    assert page.evaluate("document.querySelector('#columns').before && document.querySelector('#columns summary').before")
    assert page.evaluate("document.querySelector('#columns').open && document.querySelector('#side .law-words').open")
    assert page.evaluate("document.querySelector('#runs .scroll').scrollTop") == 60
    assert page.evaluate("document.activeElement.className") == "name"
    assert seen.console == []
