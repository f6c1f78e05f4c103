"""What a design is expected to identify, against fits of simulated runs of it, and how long it takes."""

import math

import numpy as np
import pytest

from lightning_scaling.ladder.cell import Cell, chains
from lightning_scaling.ladder.quote import assumed_law, expected
from lightning_scaling.ladder.step_times import StepTimes, makespan, seconds_of
from lightning_scaling.laws import Surface

LAW = {"E": 0.76, "A": 30.0, "B": 130.0, "alpha": 0.45, "beta": 0.345}
SURFACE = Surface(*LAW.values())


def cells(pairs):
    return [Cell(f"{n}-{d}", "", params=int(n), steps=int(d) // 100, batch_tokens=100) for n, d in pairs]


GRID = cells((n, d) for n in np.geomspace(1e4, 2e5, 5) for d in np.geomspace(2e5, 4e6, 5))


def test_the_errors_are_those_of_fits_to_simulated_runs():
    from scipy.optimize import least_squares

    noise, rng = 0.002, np.random.default_rng(1)
    n, d = (np.array([getattr(cell, name) for cell in GRID], float) for name in ("params", "tokens"))
    truth = np.log(list(LAW.values()))

    def fitted():
        observed = np.log(SURFACE.predict(n, d)) + noise * rng.standard_normal(len(n))
        found = least_squares(lambda t: np.log(Surface(*np.exp(t)).predict(n, d)) - observed, truth, x_scale="jac")
        return Surface(*np.exp(found.x))

    fits = [fitted() for _ in range(150)]
    made = expected(GRID, LAW, noise)
    assert np.std([f.alpha for f in fits]) == pytest.approx(made.alpha, rel=0.2)
    assert np.std([f.beta for f in fits]) == pytest.approx(made.beta, rel=0.2)
    assert np.std([f.N_exponent for f in fits]) == pytest.approx(made.allocation, rel=0.2)
    assert np.std([np.log(f.optimum(made.flops).params) for f in fits]) == pytest.approx(made.optimum, rel=0.2)
    best = SURFACE.optimum(made.far_flops)
    assert np.std([np.log(f.predict(best.params, best.tokens)) for f in fits]) == pytest.approx(made.far_loss, rel=0.2)


def test_a_ladder_at_one_ratio_cannot_tell_size_from_data():
    made = expected(cells((n, 20 * n) for n in (10_000, 30_000, 100_000)), LAW)
    assert made.alpha == made.beta == float("inf")
    assert not made.identifies


def test_twice_the_noise_is_twice_the_error():
    once, twice = expected(GRID, LAW, 0.003), expected(GRID, LAW, 0.006)
    assert twice.optimum == pytest.approx(2 * once.optimum)


def test_laws_are_named_saved_or_given():
    assert assumed_law("hoffmann2022")[1].alpha == pytest.approx(0.34, abs=0.01)
    assert assumed_law(LAW)[1] == SURFACE
    with pytest.raises(ValueError, match="beta is missing"):
        assumed_law({name: value for name, value in LAW.items() if name != "beta"})


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
