"""Three questions of a person with runs, each answered on one screen within three interactions from the address alone."""

import json
import re

import pytest

from lightning_scaling.server.one_run import one_run

WIDE, HIGH = 1440, 900


class Person:
    """Somebody who has just opened the page: every click, key and choice counts."""

    def __init__(self, seen):
        self.seen, self.page, self.interactions = seen, seen.page, 0
        self.page.set_viewport_size({"width": WIDE, "height": HIGH})
        seen.until("#law table")

    def click(self, selector):
        self.interactions += 1
        self.page.click(selector)

    def reads(self, selector):
        """The words of an element that lies on the screen as it is now, without scrolling."""
        self.seen.until(selector)
        box = self.page.locator(selector).first.bounding_box()
        assert box["y"] >= 0, f"{selector} is above the screen"
        assert box["y"] + box["height"] <= HIGH, f"{selector} is below the screen"
        return self.page.inner_text(selector)


@pytest.fixture
def person(look):
    return lambda experiment: Person(look(experiment))


def test_which_of_my_runs_is_worth_continuing(person):
    someone = person("ladder")
    verdict, first = someone.reads("#side .by-verdict dt"), someone.reads("#side .by-verdict .name")
    assert verdict.startswith("continue ")
    assert first == "in progress"  # before those that have ended
    someone.click("#side .by-verdict .name")
    assert re.search(r"^continue ", someone.reads("#side .verdict-line"))
    assert re.search(r"Expected at the end of its token budget: \d\.\d+ \(\d\.\d+–\d\.\d+\)", someone.reads("#side .verdict-line + p"))
    assert someone.interactions == 1


def test_what_should_i_train_next_with_ten_times_the_compute(person):
    someone = person("ladder")
    answer = someone.reads("#side p")
    assert "Ten times the compute of the largest run" in answer
    assert re.search(r"best spent on \S+ parameters and \S+ tokens", answer)
    assert someone.interactions == 0


def test_why_is_this_run_worse_than_its_siblings(person):
    someone = person("family")
    someone.click("#runs tbody .name:text-is('worse')")
    assert "above them all" in someone.reads("#side .siblings p")
    assert someone.reads("#side .siblings tbody tr").split() == ["params.lr", "9e-4", "3e-4"]
    someone.reads("#side .collapse[data-marks='6']")  # zero, the begin of the departure, three siblings, the run
    assert "since 62 %" in someone.page.text_content("#side .collapse")
    assert "Departs from its family" in someone.reads("#side .outcome")
    someone.reads("#side .verdict-line")
    assert someone.interactions == 1
    assert someone.seen.console == []


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
    answer = one_run(run, [make_run(2_000_000, 20).curve])
    assert answer["averaged"] is None
    json.dumps(answer, allow_nan=False)
