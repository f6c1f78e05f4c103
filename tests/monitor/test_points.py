"""The kept points of a run: bounded, rising, the last one exact."""

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from lightning_scaling.monitor.points import Point, Points


def point(tokens, loss=1.0):
    return Point(tokens, 6 * tokens, tokens, loss)


@given(st.lists(st.integers(1, 10**12), max_size=200))
def test_tokens_rise_and_their_number_is_bounded(tokens):
    points = Points(most=16)
    for each in tokens:
        points.add(point(each))
    kept = [p.tokens for p in points.kept]
    assert kept == sorted(set(kept))
    assert len(kept) <= 16


def test_the_last_point_is_always_kept():
    points = Points(most=10)
    for tokens in range(1, 1000):
        points.add(point(tokens))
        assert points.kept[-1].tokens == tokens


def test_what_is_kept_spreads_over_the_whole_run():
    points = Points(most=100)
    for tokens in range(1, 100_001):
        points.add(point(tokens))
    kept = [p.tokens for p in points.kept]
    assert kept[0] < 5_000
    assert max(b - a for a, b in itertools.pairwise(kept)) < 6_000


def test_a_validation_run_again_replaces_its_point():
    points = Points()
    points.add(point(10, loss=2.0))
    points.add(point(10, loss=3.0))
    assert [p.loss for p in points.kept] == [3.0]


def test_a_point_behind_the_last_one_is_left_out():
    points = Points()
    points.add(point(10))
    points.add(point(5))
    assert [p.tokens for p in points.kept] == [10]


def test_points_round_trip_through_a_checkpoint():
    points, again = Points(), Points()
    points.add(point(10**17 + 1, loss=math.inf))
    again.restore(points.state())
    assert again.kept == points.kept
