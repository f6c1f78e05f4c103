"""How long a ladder takes."""

import math

import pytest

from lightning_scaling.ladder.cell import Cell, chains
from lightning_scaling.ladder.step_times import StepTimes, makespan, seconds_of

CELLS = [Cell(name, name, params=params, steps=100, batch_tokens=10, trunk=trunk, branch_step=leaves)
         for name, params, trunk, leaves in (("a", 1000, "t", 0), ("b", 1000, "t", 80), ("c", 10_000, "", 0))]  # fmt: skip
TIMES = StepTimes({6e4: 0.01, 6e5: 0.04})


def test_the_measured_steps_come_back():
    assert [TIMES.step(flops) for flops in (6e4, 6e5)] == pytest.approx([0.01, 0.04])


def test_in_between_it_is_interpolated_in_logarithms():
    assert TIMES.step(math.sqrt(6e4 * 6e5)) == pytest.approx(math.sqrt(0.01 * 0.04))


def test_a_branch_takes_the_time_of_its_own_steps():
    assert [TIMES.cell(cell) for cell in CELLS] == pytest.approx([1.0, 0.2, 4.0])


def test_done_steps_take_no_more_time():
    assert seconds_of(chains(CELLS), TIMES, {"a": 100, "b": 90, "c": 50}, 1) == pytest.approx(0.1 + 2.0)


def test_two_at_a_time_take_as_long_as_the_longer():
    assert seconds_of(chains(CELLS), TIMES, {}, 2) == pytest.approx(4.0)


def test_without_a_measurement_the_time_is_not_known():
    assert math.isnan(seconds_of(chains(CELLS), StepTimes({}), {}, 2))


def test_no_lane_is_idle_while_something_waits():
    assert makespan([1] * 7, 3) == 3
