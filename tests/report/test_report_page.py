"""report.html: one file that needs nothing else, escapes what users named, and states what is missing."""

import re
from html.parser import HTMLParser

import pytest

from lightning_scaling.laws import fit_runs
from lightning_scaling.report import write_report
from lightning_scaling.report.content import Content
from lightning_scaling.report.figure_list import figures_of
from lightning_scaling.report.optima import published
from lightning_scaling.store import Rejected

NASTY = '<script>alert("x")</script> & "quoted" {{ 7*7 }}'


class Outline(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]


@pytest.fixture(scope="module")
def written(tmp_path_factory, ladder, make_run):
    runs = [*ladder[:4], make_run(700_000, tokens_per_param=120), make_run(700_000, tokens_per_param=6)]
    fit = fit_runs(runs)
    runs += [make_run(1_000_000, seen=0.6, name=NASTY), make_run(1_100_000, seen=0.1, name="n" * 200)]
    rejected = [Rejected("id", "bad & broken", "e", "no loss <metric>")]
    return write_report(tmp_path_factory.mktemp("report"), runs, fit, f"Study {NASTY}", presets=published(), rejected=rejected, png=False)


@pytest.fixture(scope="module")
def page(written):
    return written.read_text(encoding="utf-8")


def test_nothing_is_fetched_from_anywhere(page):
    addresses = [a for _, attrs in Outline(page).tags for k, v in attrs.items() if k in ("src", "href", "srcset", "data") for a in [v]]
    assert addresses
    assert all(a.startswith("data:") for a in addresses)
    assert not re.search(r"url\(|@import", page)


def test_the_page_forbids_the_browser_to_fetch(page):
    policy = next(m["content"] for m in Outline(page).all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy


def test_names_are_escaped_everywhere(page):
    assert not Outline(page).all("script")
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt; &amp;" in page
    assert "{{ 7*7 }}" in page
    assert "no loss &lt;metric&gt;" in page


def test_a_long_name_is_whole_in_its_title(page):
    assert any(attrs.get("title") == "n" * 200 for attrs in Outline(page).all("th"))


def test_every_picture_has_a_text_of_what_it_shows(page):
    images = Outline(page).all("img")
    assert len(images) >= 2
    assert all(len(image["alt"]) > 30 for image in images)


def test_every_picture_comes_for_light_and_for_dark(page):
    sources, images = Outline(page).all("source"), Outline(page).all("img")
    dark = [s for s in sources if s["media"] == "screen and (prefers-color-scheme: dark)"]
    assert len(dark) == len(images)
    assert all(s["srcset"] != i["src"] for s, i in zip(dark, images, strict=True))


def test_a_wide_picture_has_a_drawing_for_phones_in_both_themes(page):
    sources = [s for s in Outline(page).all("source") if "max-width" in s["media"]]
    wide = [i for i in Outline(page).all("img") if int(i["width"]) > 460]
    assert len(sources) == 2 * len(wide) > 0
    assert all(int(s["width"]) < 460 for s in sources)
    assert sum("dark" in s["media"] for s in sources) == len(wide)


def test_sections_come_in_the_order_of_the_reader_s_questions(page):
    assert [s["id"] for s in Outline(page).all("section")] == ["compute", "law", "tenfold", "ill", "runs", "rejected", "counted"]


def test_each_part_opens_with_its_answer(page):
    assert "cost " in page.split('<p class="lead">')[1]
    assert "L(C) = " in page
    assert "Ten times the compute of the largest run" in page


@pytest.mark.slow
def test_pictures_lie_beside_the_page_in_both_themes(tmp_path, ladder, true_law, fit_with):
    names = {p.name for p in write_report(tmp_path, ladder[:1], fit_with(true_law)).parent.iterdir()}
    for name in ("loss-against-compute", "runs", "allocation", "residuals"):
        assert {f"{name}.png", f"{name}-dark.png"} <= names


def test_the_same_runs_write_the_same_page(tmp_path, ladder):
    first, second = (write_report(tmp_path / k, ladder[:1], png=False).read_bytes() for k in "ab")
    assert first == second


def test_no_runs_make_a_page_that_states_it(tmp_path):
    text = write_report(tmp_path, [], png=False).read_text(encoding="utf-8")
    assert "There are no runs to report yet" in text
    assert "There is no law yet" in text


def test_one_run_makes_a_page_without_a_law(tmp_path, ladder):
    text = write_report(tmp_path, ladder[:1], fit_runs(ladder[:1]), png=False).read_text(encoding="utf-8")
    assert "One run of 90k parameters" in text
    assert "at least three finished runs" in text


def test_broken_runs_are_listed_not_fatal(tmp_path, broken_runs):
    text = write_report(tmp_path, broken_runs, png=False).read_text(encoding="utf-8")
    assert "no points" in text
    assert "interrupted" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_a_law_whose_split_is_unknown_is_not_given_as_advice(tmp_path, ladder, ladder_fit):
    assert ladder_fit.surface.outcome.name == "ONE_RATIO"
    text = write_report(tmp_path, ladder[:1], ladder_fit, png=False).read_text(encoding="utf-8")
    assert "is best spent on" not in text
    assert "is not identified" in text


def test_a_refused_law_is_explained_in_words_and_drawn_nowhere(tmp_path, ladder):
    fit = fit_runs(ladder[:3])
    assert fit.surface.outcome.name == "TOO_FEW_POINTS"
    text = write_report(tmp_path, ladder[:1], fit, png=False).read_text(encoding="utf-8")
    assert "five constants need at least six runs" in text
    assert "nan" not in re.sub(r"data:[^\"]*", "", text).lower()


def test_a_watched_page_reloads_itself(tmp_path):
    text = write_report(tmp_path, [], png=False, refresh=30).read_text(encoding="utf-8")
    assert '<meta http-equiv="refresh" content="30">' in text


def test_every_figure_of_the_list_is_on_the_page(tmp_path, ladder, make_run):
    runs = [make_run(params, tokens_per_param=ratio) for params in (200_000, 400_000, 800_000) for ratio in (8, 30, 120)]
    fit = fit_runs(runs)
    words = [shown.alt for shown in figures_of(Content(runs, fit))]
    assert any("against parameters and against tokens" in each for each in words)
    shown = {attrs["alt"] for attrs in Outline(write_report(tmp_path, runs, fit, png=False).read_text()).all("img")}
    assert set(words) <= shown
