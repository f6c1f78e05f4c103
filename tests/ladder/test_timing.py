"""Time left: two at a time, siblings first."""

from collections import namedtuple

import pytest

from lightning_scaling.ladder.cells import PRESETS
from lightning_scaling.ladder.timing import LANES, cost, ready, time_left

DEMO = PRESETS["demo"]


def test_nothing_is_left_of_a_finished_ladder():
    assert time_left(DEMO, {cell.name: 1.0 for cell in DEMO.runs}) == 0


def test_the_last_cell_alone_takes_its_own_time():
    last = DEMO.cells[-1]
    done = {cell.name: 1.0 for cell in DEMO.runs} | {last.name: 0.25}
    assert time_left(DEMO, done) == pytest.approx(0.75 * cost(last))


def test_two_lanes_are_kept_busy():
    assert time_left(DEMO, {}) < 1.15 * sum(map(cost, DEMO.runs)) / LANES


def test_a_cell_waits_for_its_siblings():
    waiting = list(DEMO.runs)
    first = ready(waiting, {cell.name for cell in waiting}, LANES)
    assert all(not cell.after for cell in first)


def test_the_ladder_goes_before_runs_of_other_lengths():
    Waiting = namedtuple("Waiting", "waiting unfinished")
    left = Waiting([*DEMO.lengths, DEMO.cells[0]], {DEMO.cells[0].name})
    assert ready(left.waiting, left.unfinished, 1) == [DEMO.cells[0]]
