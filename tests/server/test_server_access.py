"""Colours, keyboard, screen and names: axe-core at both themes, nothing clipped on a phone, names that attack, a server that goes away."""

import re
from dataclasses import replace

import pytest

SCRIPT = "<script>document.title='taken'</script><img src=x onerror=alert(1)>"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(look, store, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed").Axe()
    seen = look("ladder", more="&group=seeds&metric=")
    seen.page.emulate_media(color_scheme=scheme)
    seen.until("#law table")
    seen.page.click("#runs tbody .name >> nth=0")
    seen.until("#side .pairs")
    found = [v for v in axe.run(seen.page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["html"][:80] for n in v["nodes"][:3]]) for v in found] == []


def test_nothing_is_clipped_on_a_phone_and_targets_are_large_enough(look):
    seen = look("ladder")
    seen.until("#law table")
    seen.on_a_phone()
    assert seen.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    charts = seen.page.eval_on_selector_all(".chart", "all => all.filter((e) => e.offsetWidth).map((e) => e.getBoundingClientRect().right)")
    assert charts
    assert max(charts) <= 390
    small = "all => all.filter((e) => e.offsetWidth && Math.min(e.offsetWidth, e.offsetHeight) < 24).map((e) => e.outerHTML.slice(0, 80))"
    assert seen.page.eval_on_selector_all("main button, main select, main summary", small) == []


def test_every_string_that_a_user_gave_is_text(browser, empty, write, make_run, serving_at, tmp_path):
    """Names of experiment, run, family, tag, parameter and metric, verdict, readings, and a record that cannot be read."""
    from mlflow import MlflowClient

    from lightning_scaling.run.readings import add_data_entry, plateau_entry

    attack = {"family": SCRIPT, "extra": plateau_entry(10**7, 6 * 10**13, SCRIPT) | add_data_entry("NO", SCRIPT)}
    run = make_run(1_000_000, 20, **attack)
    run = replace(run, predictions=tuple(replace(p, verdict=SCRIPT, because=SCRIPT) for p in run.predictions))
    key = write(empty, SCRIPT, run, SCRIPT)
    client = MlflowClient(empty)
    client.set_tag(key, "attack", SCRIPT)
    client.log_param(key, "attack", SCRIPT)
    number = client.get_run(key).info.experiment_id
    client.create_run(number, run_name=SCRIPT, tags={"scaling.record": SCRIPT})
    with serving_at(empty, tmp_path) as address:
        page, printed = browser.new_page(), []
        page.on("dialog", lambda dialog: (printed.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: printed.append(str(error)))
        page.goto(
            f"{address}/scaling?experiment={number}&cols=tags.attack,params.attack,tags.{SCRIPT}&group=tags.attack&run={key}&sort={SCRIPT}"
        )
        page.wait_for_selector("#side .pairs", timeout=60_000)
        page.wait_for_selector("#runs tbody tr")
        page.focus("#loss-chart")
        page.keyboard.press("ArrowUp")
        assert SCRIPT in page.inner_text("#side")
        assert SCRIPT in page.inner_text("#runs")
        assert page.locator("body img, body script").count() == 0
        assert "taken" not in page.title()
        assert printed == []
        page.close()


@pytest.mark.slow
def test_names_are_text_in_report_and_notebook_too(browser, make_run, tmp_path):
    from lightning_scaling.report import Study, run_page, write_report
    from lightning_scaling.store import Rejected

    runs = tuple(make_run(n, 20, name=SCRIPT, family=SCRIPT) for n in (1_000_000, 2_000_000))
    rejected = (Rejected("id", SCRIPT, SCRIPT, SCRIPT),)
    report = write_report(tmp_path, runs, title=SCRIPT, rejected=rejected, png=False)
    (tmp_path / "run.html").write_text(run_page(runs[0]), encoding="utf-8")
    (tmp_path / "notebook.html").write_text(Study(runs, rejected)._repr_html_(), encoding="utf-8")
    for file in (report, tmp_path / "run.html", tmp_path / "notebook.html"):
        page, printed = browser.new_page(), []
        page.on("dialog", lambda dialog, printed=printed: (printed.append(dialog.message), dialog.dismiss()))
        page.goto(file.as_uri())
        assert SCRIPT in page.inner_text("body")
        assert page.locator("script, img[onerror]").count() == 0
        assert printed == []
        page.close()
    assert not re.search(r"^[=+@]", (tmp_path / "runs.csv").read_text(), re.M)


@pytest.mark.slow
def test_the_page_outlives_its_server(browser, empty, write, make_run, serving_at, tmp_path):
    write(empty, "e", make_run(1_000_000, 20), "before")
    (tmp_path / "one").mkdir()
    with serving_at(empty, tmp_path / "one") as address:
        page = browser.new_page()
        page.goto(f"{address}/scaling")
        page.wait_for_selector("body[data-ready]", timeout=60_000)
    page.evaluate("window.stays = true")
    page.click("#experiments summary")
    page.click("#experiments button:has-text('all')")
    page.wait_for_selector("#message:not([hidden])", timeout=30_000)
    assert "The server does not answer: what is shown was read at" in page.inner_text("#message")
    assert page.get_attribute("#loss-chart", "data-runs") == "1"
    port = int(address.rsplit(":", 1)[1])
    (tmp_path / "two").mkdir()
    with serving_at(empty, tmp_path / "two", port=port):
        page.wait_for_selector("#message", state="hidden", timeout=60_000)
        assert page.evaluate("window.stays")
    page.close()
