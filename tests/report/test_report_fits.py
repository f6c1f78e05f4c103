"""What a report fits by itself, and what it refuses to."""

from dataclasses import replace

import pytest
from lightning_scaling.report.fits import fits, largest_held_out, on_frontier

from lightning_scaling.report.rows import rows
from lightning_scaling.run.conventions import Conventions


def test_every_run_of_a_ladder_enters_the_law_of_compute(ladder, ladder_fits):
    assert len(ladder_fits.frontier.flops) == len(ladder)


def test_of_runs_of_many_lengths_those_undercut_by_a_cheaper_one_are_left_out(make_run):
    runs = rows([make_run(n, tokens_per_param=t) for n in (200_000, 1_000_000, 5_000_000) for t in (3, 30, 300)])
    kept = on_frontier(runs)
    assert len(kept) < len(runs)
    assert [r.loss for r in kept] == sorted((r.loss for r in kept), reverse=True)


def test_the_prediction_of_the_largest_does_not_see_it(ladder):
    altered = replace(ladder[-1], curve=replace(ladder[-1].curve, loss=2 * ladder[-1].curve.loss))
    seen, unseen = (largest_held_out(rows([*ladder[:-1], last])) for last in (ladder[-1], altered))
    assert seen.loss == unseen.loss
    assert seen.came == ladder[-1].loss


def test_the_prediction_says_how_far_it_reached(ladder):
    assert largest_held_out(rows(ladder)).beyond == pytest.approx(ladder[-1].spent / ladder[-2].spent)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_runs_are_refused_in_words(ladder, count):
    found = fits(ladder[:count])
    assert found.law is None
    assert "at least three finished runs" in found.notes[0]


def test_runs_counted_differently_are_not_fitted_together(ladder):
    mixed = [*ladder[:-1], replace(ladder[-1], conventions=Conventions(params="non_embedding"))]
    found = fits(mixed)
    assert found.law is None
    assert "conventions" in found.notes[0]


def test_broken_runs_do_not_move_the_law(ladder, broken_runs, ladder_fits):
    assert fits([*ladder, *broken_runs]).law.predict(1e6, 3e7) == ladder_fits.law.predict(1e6, 3e7)
