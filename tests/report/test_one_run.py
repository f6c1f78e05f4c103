"""One run's page: self-contained, states what is missing, and nothing a user wrote is markup."""

from dataclasses import replace

from lightning_scaling.report import run_page

NASTY = '<script>alert("x")</script>'


def test_the_page_shows_the_verdict_and_every_tenth_of_the_forecasts(ladder):
    run = ladder[-1]
    page = run_page(run)
    assert run.predictions[-1].because in page
    assert page.startswith("<!doctype html>")
    assert 2 <= page.count('<th scope="row">') <= 10
    assert "src=" in page
    assert 'src="http' not in page


def test_a_level_without_an_interval_is_no_forecast_to_be_outside_of(ladder):
    levels = tuple(replace(p, loss=9.0, low=float("nan"), high=float("nan")) for p in ladder[-1].predictions)
    page = run_page(replace(ladder[-1], predictions=levels))
    assert "<td>9.000" in page
    assert "<small>outside</small>" not in page


def test_a_run_in_progress_has_no_final_loss(make_run):
    page = run_page(make_run(1_000_000, seen=0.5))
    assert "final loss" not in page
    assert "% of its token budget" in page


def test_broken_runs_have_a_page(broken_runs):
    for run in broken_runs:
        assert "How this was counted" in run_page(run)


def test_names_are_text(ladder):
    page = run_page(replace(ladder[0], name=NASTY))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
