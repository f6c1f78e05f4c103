"""Points of a run that was resumed, on one clock or on several."""

import numpy as np
import pytest

from lightning_scaling.store.mlflow.stitching import stitched

HOUR = 3_600_000


def process(steps: range, start: int, branch: float) -> list[tuple[int, int, float]]:
    """One training process: a point a second."""
    return [(start + 1000 * i, step, branch + step / 1000) for i, step in enumerate(steps)]


@pytest.mark.parametrize("skew", [0, -HOUR, HOUR, -30_000, -1000])
@pytest.mark.parametrize("interval", [1, 10])
def test_a_resumed_run_keeps_its_later_points_whatever_its_clock(skew: int, interval: int) -> None:
    first = process(range(interval, 70 * interval, interval), 10 * HOUR, 1.0)
    second = process(range(60 * interval, 101 * interval, interval), first[-1][0] + 5000 + skew, 2.0)
    shuffled = [(first + second)[i] for i in np.random.default_rng(0).permutation(len(first) + len(second))]
    points = stitched(shuffled)
    assert [step for step, _ in points] == list(range(interval, 101 * interval, interval))
    assert [int(value // 1) for step, value in points if interval > 1 or step < 60][:59] == [1] * 59
    if skew == 0:
        assert points == [(s, v) for _, s, v in first if s < 60 * interval] + [(s, v) for _, s, v in second]


@pytest.mark.parametrize("skews", [(-1, -2), (-2, -1), (1, 3), (-1, 1), (-3, -2, -1)])
def test_of_several_resumes_none_is_lost_whatever_their_clocks(skews: tuple[int, ...]) -> None:
    points = process(range(1, 31), 10 * HOUR, 1.0)
    for k, skew in enumerate(skews, 1):
        points += process(range(25 * k, 25 * k + 31), (10 + skew) * HOUR + 60_000 * k, 1.0)
    assert stitched(points) == [(step, 1 + step / 1000) for step in range(1, 25 * len(skews) + 31)]


def test_a_run_begun_anew_replaces_the_one_before() -> None:
    assert stitched(process(range(1, 11), 0, 1.0) + process(range(1, 4), HOUR, 2.0)) == [(1, 2.001), (2, 2.002), (3, 2.003)]


def test_no_points_make_no_curve() -> None:
    assert stitched([]) == []
