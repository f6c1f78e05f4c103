"""Finished runs teach the constants that a family shares."""

import numpy as np
import pytest

from lightning_scaling.forecasting.clock import SPEEDS, read_plan
from lightning_scaling.forecasting.family import POWER, Family, Lesson, lesson
from lightning_scaling.forecasting.grid import KAPPAS, solve
from lightning_scaling.forecasting.prior import Prior
from lightning_scaling.forecasting.seen import see


def taught(run, kind="wsd", share=0.6, **law):
    """The lesson of a whole synthetic run, the clock standing at `share` of it; seen from the peak of its rate on."""
    whole = run(kind, **law)
    return lesson(see(whole, whole.tokens[-1:], read_plan(whole.schedule), now=share * run.end), Prior())


def lesson_of(slope, drop, unlike=0.0):
    """A lesson that is sure of itself."""
    speeds = len(SPEEDS)
    return Lesson(
        (np.log(0.5), 0.0), np.log(slope), np.array([np.full(speeds, np.log(drop)), np.zeros(speeds)]), np.full(speeds, 1 / speeds), unlike
    )


def likeliest_drop(family, run, slope):
    """Where the family's belief peaks for laws of about that slope."""
    drops = np.geomspace(0.005, 0.5, 400)
    chance = family._drop(np.log(drops)[None, None, None, :], np.full((1, 1, 1, 400), np.log(slope)))
    return drops[np.argmax(chance[0, 0, 0])]


@pytest.mark.parametrize("drop", [0.05, 0.12, 0.3])
def test_a_finished_decay_tells_its_drop(run, drop):
    found = taught(run, drop=drop)
    full = -np.log(1 - drop / 2.47)  # of the loss at the end, were the rate to stay
    assert np.exp(found.drop[0] @ found.speed) == pytest.approx(full, rel=0.35)


def test_a_larger_drop_is_a_larger_lesson(run):
    small, large = taught(run, drop=0.05), taught(run, drop=0.15)
    assert (large.drop[0] - small.drop[0]) @ large.speed == pytest.approx(np.log(3), rel=0.3)


def test_a_rate_that_never_fell_teaches_no_drop(run):
    found = taught(run, "constant")
    assert found.drop is None
    assert not Family([found]).annealed


@pytest.mark.parametrize("alpha", [0.3, 0.9])
def test_the_exponent_is_told(run, alpha):
    found = taught(run, "constant", alpha=alpha, share=0.3)
    assert np.exp(found.exponent[0]) == pytest.approx(alpha, rel=0.3)


def test_one_lesson_is_carried_along_the_usual_line(run):
    family = Family([lesson_of(0.05, 0.04)])
    assert likeliest_drop(family, run, 0.05) == pytest.approx(0.04, rel=0.02)
    assert likeliest_drop(family, run, 0.06) == pytest.approx(0.04 * 1.2**POWER, rel=0.05)


def test_two_lessons_bend_the_line_to_their_own(run):
    rising = Family([lesson_of(0.04, 0.03), lesson_of(0.05, 0.03 * 1.25**3)])
    falling = Family([lesson_of(0.04, 0.03), lesson_of(0.05, 0.03)])
    assert likeliest_drop(rising, run, 0.06) > 0.03 * 1.5**POWER > likeliest_drop(falling, run, 0.06)


def test_the_line_is_not_continued_far(run):
    family = Family([lesson_of(0.02, 0.03)])
    assert likeliest_drop(family, run, 0.08) == likeliest_drop(family, run, 0.2)


def test_an_unlike_sibling_says_less(run):
    near, far = Family([lesson_of(0.05, 0.04)]), Family([lesson_of(0.05, 0.04, unlike=1.0)])
    slope, wrong = np.full((1, 1, 1, 1), np.log(0.05)), np.full((1, 1, 1, 1), np.log(0.12))
    right = np.full((1, 1, 1, 1), np.log(0.04))
    loss = [float((f._drop(right, slope) - f._drop(wrong, slope))[0, 0, 0, 0]) for f in (near, far)]
    assert loss[0] > 3 * loss[1] > 0


def test_a_family_without_decays_leaves_the_drop_alone(run):
    curve = run("wsd").until(0.6 * run.end)
    grid = solve(see(curve, np.array([run.end]), read_plan(curve.schedule)), KAPPAS)
    chance = Family([taught(run, "constant")]).chance(grid)
    assert np.ptp(chance, axis=(2, 3)).max() < np.ptp(chance)
