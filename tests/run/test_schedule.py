"""A learning-rate plan is read between its points and refuses what no optimiser could follow."""

import numpy as np
import pytest

from lightning_scaling import Schedule


def test_the_rate_is_linear_between_points_and_constant_beyond():
    plan = Schedule([10, 20], [1.0, 3.0])
    assert plan.at([0, 10, 15, 20, 99]).tolist() == [1, 1, 2, 3, 3]


def test_a_scalar_step_gives_a_scalar_rate():
    assert isinstance(Schedule([0, 1], [1, 1]).at(0.5), float)


@pytest.mark.parametrize(
    ("step", "lr", "says"),
    [
        ([0, 1], [1], "equal length"),
        ([], [], "equal length"),
        ([0, np.nan], [1, 1], "finite"),
        ([1, 0], [1, 1], "must not fall"),
        ([0, 1], [1, -1], "zero or more"),
        ([0, 1], [0, 0], "not all zero"),
    ],
)
def test_what_no_optimiser_could_follow_is_refused(step, lr, says):
    with pytest.raises(ValueError, match=says):
        Schedule(step, lr)
