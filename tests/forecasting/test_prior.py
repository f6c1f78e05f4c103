"""Finished runs show how much annealing takes off in their family, and how fast."""

import numpy as np
import pytest

from lightning_scaling.forecasting.observed import observe
from lightning_scaling.forecasting.prior import POWER, REACH, AnnealingEstimate, FamilyPrior, Prior, estimate_annealing
from lightning_scaling.forecasting.rate_profile import SPEEDS, read_profile

CONTINUED_BY = np.exp(REACH)  # slopes further apart than this factor change nothing more


def estimate(run, kind="wsd", share=0.6, **law):
    """The estimate_annealing of a whole synthetic run, the clock at `share` of it."""
    whole = run(kind, **law)
    return estimate_annealing(observe(whole, whole.tokens[-1:], read_profile(whole.schedule), now=share * run.end), Prior())


def estimate_of(slope, drop, unlike=0.0):
    """A estimate_annealing that is sure of itself, whatever the speed."""
    speeds = len(SPEEDS)
    return AnnealingEstimate(
        np.log(slope), np.array([np.full(speeds, np.log(drop)), np.zeros(speeds)]), np.full(speeds, 1 / speeds), unlike
    )


def chance(family, drop, slope):
    """Log chance of drops (k,) for a run of that slope."""
    drop = np.atleast_1d(np.asarray(drop, dtype=float))
    return family.drop(np.log(drop)[None, None, None], np.full((1, 1, 1, len(drop)), np.log(slope)))[0, 0, 0]


def likeliest(family, slope):
    drops = np.geomspace(0.005, 0.5, 2000)
    return drops[np.argmax(chance(family, drops, slope))]


@pytest.mark.parametrize("drop", [0.05, 0.12, 0.3])
def test_a_finished_decay_shows_its_drop(run, drop):
    found = estimate(run, drop=drop)
    full = -np.log(1 - drop / 2.47)  # 2.47 is where the run would end were the rate to stay
    assert np.exp(found.drop[0] @ found.speed) == pytest.approx(full, rel=0.35)


def test_a_drop_three_times_as_large_is_estimated_as_such(run):
    small, large = estimate(run, drop=0.05), estimate(run, drop=0.15)
    assert (large.drop[0] - small.drop[0]) @ large.speed == pytest.approx(np.log(3), rel=0.3)


def test_a_rate_that_never_fell_transfers_nothing(run):
    assert estimate(run, "constant") is None


def test_one_estimate_is_transferred_along_the_usual_line():
    family = FamilyPrior([estimate_of(0.05, 0.04)])
    assert likeliest(family, 0.05) == pytest.approx(0.04, rel=0.02)
    assert likeliest(family, 0.055) == pytest.approx(0.04 * 1.1**POWER, rel=0.02)


def test_two_estimates_fix_the_slope_of_their_line():
    usual = FamilyPrior([estimate_of(0.04, 0.03), estimate_of(0.05, 0.03 * 1.25**POWER)])
    flat = FamilyPrior([estimate_of(0.04, 0.03), estimate_of(0.05, 0.03)])
    middle = np.sqrt(0.04 * 0.05)
    assert likeliest(usual, 1.1 * middle) / likeliest(usual, middle) > likeliest(flat, 1.1 * middle) / likeliest(flat, middle)


def test_the_line_is_not_continued_far():
    family = FamilyPrior([estimate_of(0.02, 0.03)])
    assert likeliest(family, 0.02 * CONTINUED_BY) == pytest.approx(likeliest(family, 0.2))


def test_an_unlike_sibling_weighs_less():
    near, far = FamilyPrior([estimate_of(0.05, 0.04)]), FamilyPrior([estimate_of(0.05, 0.04, unlike=1.0)])
    right_over_wrong = [float(chance(f, 0.04, 0.05)[0] - chance(f, 0.12, 0.05)[0]) for f in (near, far)]
    assert right_over_wrong[0] > 3 * right_over_wrong[1] > 0


def test_a_speed_that_was_observed_is_preferred():
    fast = AnnealingEstimate(np.log(0.05), np.zeros((2, len(SPEEDS))), np.eye(len(SPEEDS))[-1], 0.0)
    assert np.argmax(FamilyPrior([fast]).speed()) == len(SPEEDS) - 1
