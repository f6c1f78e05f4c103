"""Repeated (N, D) are one configuration: seeds are averaged, of a hyper-parameter sweep the best run counts."""

import numpy as np
import pytest

from lightning_scaling.laws import Surface, SweepDesign, simulate_runs
from lightning_scaling.laws.configurations import configurations, merged
from lightning_scaling.laws.points import LawPoints, points

LAW = Surface(1.7, 400.0, 410.0, 0.34, 0.28)
GRID = SweepDesign.grid(np.geomspace(1e7, 3e8, 5), np.geomspace(1e9, 3e10, 4))


def simulated(**how: float) -> LawPoints:
    runs = simulate_runs(LAW, GRID, seeds=9, **how)  # type: ignore[arg-type]
    return points(runs.params, runs.tokens, runs.loss)


def test_seeds_are_averaged_in_log_loss() -> None:
    given = simulated(noise=0.01)
    found = configurations(given)
    assert found.read_as == "seeds"
    assert (found.count == 9).all()
    first = (given.params == found.points.params[0]) & (given.tokens == found.points.tokens[0])
    assert np.log(found.points.loss[0]) == pytest.approx(np.log(given.loss[first]).mean())


def test_a_hyper_parameter_sweep_is_recognised_and_its_best_run_counts() -> None:
    given = simulated(noise=0.0005, tuning=0.05)
    found = configurations(given)
    assert found.read_as == "sweep"
    assert len(found.points) == 20
    assert found.points.loss.min() == given.loss.min()
    assert "the best of each" in str(found)


def test_the_user_decides_where_the_shape_cannot() -> None:
    given = simulated(noise=0.01)
    assert (configurations(given, "sweep").points.loss < configurations(given, "seeds").points.loss).all()
    with pytest.raises(ValueError, match="replicates must be"):
        configurations(given, "best")  # type: ignore[arg-type]


def test_one_run_logged_four_times_counts_once() -> None:
    given = points(np.repeat([1e7, 2e7], 4), np.repeat([1e9, 1e9], 4), np.repeat([3.0, 2.9], 4))
    assert configurations(given).count.tolist() == [1, 1]


def test_neighbours_are_merged_without_moving_the_law() -> None:
    rng = np.random.default_rng(0)
    size, length = 10 ** rng.uniform(7, 9, 5000), 10 ** rng.uniform(9, 11, 5000)
    few = merged(configurations(points(size, length, LAW.predict(size, length))), 300)
    assert len(few.points) <= 300
    assert few.count.sum() == 5000
    assert np.abs(few.points.loss / LAW.predict(few.points.params, few.points.tokens) - 1).max() < 2e-3
