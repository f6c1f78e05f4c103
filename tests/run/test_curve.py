"""A curve takes what training gives and refuses what cannot be a run."""

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule


def test_lists_become_float_arrays():
    curve = Curve([1, 2], [3, 2])
    assert curve.tokens.dtype == curve.loss.dtype == np.float64


def test_losses_that_are_not_finite_are_kept_for_the_fit_to_leave_out():
    assert np.isnan(Curve([1, 2], [np.nan, 2.0]).loss[0])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (dict(tokens=[1, 2], loss=[1]), "equal length"),
        (dict(tokens=[2, 1], loss=[1, 1]), "strictly increasing"),
        (dict(tokens=[1, 1], loss=[1, 1]), "strictly increasing"),
        (dict(tokens=[0, 1], loss=[1, 1]), "positive"),
        (dict(tokens=[1, np.inf], loss=[1, 1]), "finite"),
        (dict(tokens=[1, 2], loss=[1, 1], step=[2, 1]), "must not fall"),
        (dict(tokens=[1, 2], loss=[1, 1], schedule=Schedule([0, 1], [1, 1])), "give the curve's steps"),
        (dict(tokens=[[1, 2]], loss=[[1, 1]]), "one-dimensional"),
        (dict(tokens=[1, 2], loss=[1, 1], averaged_loss=[1]), "equal length"),
        (dict(tokens=[1], loss=[1], step=[1], schedule=[1]), "must be a Schedule"),
        (dict(tokens=[1], loss=[1], params=0), "params must be positive"),
        (dict(tokens=[1], loss=[1], unique_tokens=-1), "unique_tokens must be positive"),
    ],
)
def test_what_cannot_be_a_run_is_refused_in_one_line(arguments, says):
    with pytest.raises(ValueError, match=says) as error:
        Curve(**arguments)
    assert "\n" not in str(error.value)


def test_until_keeps_the_schedule_and_cuts_the_past():
    schedule = Schedule([0, 40], [1.0, 0.0])
    part = Curve([10, 20, 30], [3, 2, 1], step=[10, 20, 30], averaged_loss=[2.9, np.nan, 0.9], schedule=schedule, params=5).until(20)
    assert part.tokens.tolist() == [10, 20]
    assert part.step.tolist() == [10, 20]
    assert part.schedule is schedule
    assert part.params == 5
    np.testing.assert_array_equal(part.averaged_loss, [2.9, np.nan])


def test_flops_need_the_number_of_parameters():
    with pytest.raises(ValueError, match="give the curve's params"):
        _ = Curve([1], [1]).flops
