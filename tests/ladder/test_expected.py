"""What a design is expected to identify, against fits of simulated runs of it."""

import numpy as np
import pytest

from lightning_scaling.ladder.cell import Cell
from lightning_scaling.ladder.expected import assumed_law, expected
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
