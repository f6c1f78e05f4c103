"""Time left: two at a time, siblings first."""

from collections import namedtuple

import pytest

from lightning_scaling.ladder.rungs import PRESETS
from lightning_scaling.ladder.timing import LANES, cost, ready, time_left

DEMO = PRESETS["demo"]


def test_nothing_is_left_of_a_finished_ladder():
    assert time_left(DEMO, {rung.name: 1.0 for rung in DEMO.runs}) == 0


def test_the_last_rung_alone_takes_its_own_time():
    last = DEMO.rungs[-1]
    done = {rung.name: 1.0 for rung in DEMO.runs} | {last.name: 0.25}
    assert time_left(DEMO, done) == pytest.approx(0.75 * cost(last))


def test_two_lanes_are_kept_busy():
    assert time_left(DEMO, {}) < 1.15 * sum(map(cost, DEMO.runs)) / LANES


def test_a_rung_waits_for_its_siblings():
    waiting = list(DEMO.runs)
    first = ready(waiting, {rung.name for rung in waiting}, LANES)
    assert all(not rung.after for rung in first)


def test_the_ladder_goes_before_runs_of_other_lengths():
    Waiting = namedtuple("Waiting", "waiting unfinished")
    left = Waiting([*DEMO.lengths, DEMO.rungs[0]], {DEMO.rungs[0].name})
    assert ready(left.waiting, left.unfinished, 1) == [DEMO.rungs[0]]
