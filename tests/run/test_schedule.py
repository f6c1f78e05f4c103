"""A learning-rate schedule is read between its points, is built from a name, and refuses what no optimiser could follow."""

import numpy as np
import pytest

from lightning_scaling import Schedule


def test_the_rate_is_linear_between_points_and_constant_beyond():
    schedule = Schedule([10, 20], [1.0, 3.0])
    assert schedule.at([0, 10, 15, 20, 99]).tolist() == [1, 1, 2, 3, 3]


def test_a_scalar_step_gives_a_scalar_rate():
    assert isinstance(Schedule([0, 1], [1, 1]).at(0.5), float)


@pytest.mark.parametrize("lr", [[1.0, -5e-7], [1.0, -0.3]])
def test_a_rate_below_zero_counts_as_zero(lr):
    assert Schedule([0, 1], lr).lr.tolist() == [1.0, 0.0]


def test_a_lambda_rule_past_its_end_is_a_run_at_rate_zero():
    step = np.arange(0, 2001)
    assert Schedule(step, 1 - step / 1000).at([500, 1000, 1500]).tolist() == [0.5, 0.0, 0.0]


def test_cosine_follows_its_formula():
    found = Schedule.cosine(1000, peak=2.0, end=0.1).at([0, 250, 500, 1000])
    np.testing.assert_allclose(found, [2 * (0.1 + 0.45 * (1 + np.cos(np.pi * p))) for p in (0, 0.25, 0.5, 1)], rtol=1e-4)


def test_warmup_rises_from_zero_to_the_peak():
    assert Schedule.linear(1000, peak=2.0, warmup=100).at([0, 50, 100, 1000]).tolist() == [0.0, 1.0, 2.0, 0.0]


def test_wsd_stays_until_its_decay():
    np.testing.assert_allclose(Schedule.wsd(1000, decay=0.1, warmup=50).at([50, 900, 950, 1000]), [1, 1, 0.5, 0], atol=1e-12)


def test_constant_stays():
    assert Schedule.constant(1000, peak=3.0).at([0, 500, 5000]).tolist() == [3, 3, 3]


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: Schedule.cosine(0), "steps and peak must be positive"),
        (lambda: Schedule.cosine(100, peak=-1), "steps and peak must be positive"),
        (lambda: Schedule.cosine(100, end=2), "share of the peak"),
        (lambda: Schedule.linear(100, warmup=100), "warm-up must be shorter"),
        (lambda: Schedule.wsd(100, decay=0), "decay is the share"),
        (lambda: Schedule.wsd(100, decay=0.5, warmup=80), "overlap"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(build, says):
    with pytest.raises(ValueError, match=says):
        build()


@pytest.mark.parametrize(
    ("step", "lr", "says"),
    [
        ([0, 1], [1], "equal length"),
        ([], [], "equal length"),
        ([0, np.nan], [1, 1], "finite"),
        ([1, 0], [1, 1], "must not fall"),
        ([0, 1], [0, -1], "above zero somewhere"),
        ([0, 1], [0, 0], "above zero somewhere"),
    ],
)
def test_what_no_optimiser_could_follow_is_refused(step, lr, says):
    with pytest.raises(ValueError, match=says):
        Schedule(step, lr)
