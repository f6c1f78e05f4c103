"""A plateau is a statement about the compute to come."""

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule, advise, forecast
from lightning_scaling.advice.annealing import remaining_annealing
from lightning_scaling.advice.bins import binned
from lightning_scaling.advice.economics import Economics
from lightning_scaling.advice.gain import remaining_gain
from lightning_scaling.advice.plateau import Horizon, forecast_gain, horizon_of, plateau


def judged(curve, budget, **terms):
    now = float(curve.tokens[-1])
    until, seen = horizon_of(now, budget), binned(curve, budget)
    found = forecast(curve, at=np.array([now, until]))
    horizon = Horizon(until, float(found.loss[0]), forecast_gain(found, 1))
    return plateau(horizon, remaining_gain(seen, 0.0, until, seen.correlated_noise), seen.noise, Economics(**terms))


def power_law(floor, rise, until=60, noise=1e-4):
    x = np.arange(1, until + 1) * 1e6
    return Curve(x, (floor + rise * (x / 1e6) ** -0.5) * (1 + noise * np.random.default_rng(0).standard_normal(until)))


def test_the_end_of_a_budget_is_no_plateau_because_it_is_near():
    assert horizon_of(99, 100) == pytest.approx(123.75)


def test_a_power_law_still_gains():
    found = judged(power_law(2, 1), 1e8)
    assert not found.called
    assert found.low > found.threshold


def test_a_floor_is_a_plateau():
    assert judged(power_law(2, 0.002), 1e8).called


def test_a_larger_threshold_calls_it_sooner():
    run = power_law(2, 0.2)
    assert not judged(run, 1e8).called
    assert judged(run, 1e8, threshold=0.05).called


def test_more_noise_asks_for_more_gain_up_to_half_a_percent():
    quiet, noisy, wild = (judged(power_law(2, 1, noise=noise), 1e8).threshold for noise in (1e-4, 2e-3, 5e-2))
    assert noisy > 1.5 * quiet
    assert wild == 0.005


def test_a_forecast_that_rules_it_out_is_never_contradicted():
    run = power_law(2, 0.002)
    curve = remaining_gain(binned(run, 1e8), 0.0, 1e8, 1e-4)
    agreeing, opposed = (plateau(Horizon(1e8, 2.0, expected), curve, 1e-4, Economics()) for expected in ((0.001, 0.002), (1.0, 0.01)))
    assert agreeing.called
    assert not opposed.called
    assert opposed.chance < 0.02


def test_a_forecast_without_an_interval_leaves_the_curve_to_decide():
    curve = remaining_gain(binned(power_law(2, 0.002), 1e8), 0.0, 1e8, 1e-4)
    assert plateau(Horizon(1e8, 2.0, (0.0, float("nan"))), curve, 1e-4, Economics()).called


def thousand(until, schedule=True, seed=0):
    """N = 1e3, loss 3.5 + (2e6/D)^.8, a tenth of a percent of noise, constant rate, 4e9 tokens planned."""
    steps = np.arange(1, 201)
    tokens = steps * 2e7
    loss = (3.5 + (2e6 / tokens) ** 0.8) * (1 + 1e-3 * np.random.default_rng(seed).standard_normal(200))
    kept = tokens <= until
    rate = Schedule([0, 200], [1.0, 1.0]) if schedule else None
    return Curve(tokens[kept], loss[kept], steps[kept], rate, params=1000)


@pytest.mark.parametrize("seed", range(3))
def test_a_model_of_a_thousand_parameters_is_flat_by_half_of_its_budget(seed):
    called = [advise(thousand(until, seed=seed), 4e9).plateau for until in (1.4e9, 1.7e9, 2e9)]
    assert any(each is not None for each in called)


def test_the_flag_states_gain_and_cost():
    advice = advise(thousand(2e9), 4e9)
    assert advice.plateau is not None
    assert advice.plateau_probability > 0.9
    assert advice.plateau.gain <= advice.plateau.at_most < 0.002
    assert advice.plateau.remaining_flops == pytest.approx(6 * 1000 * 2e9)
    assert str(advice.plateau).startswith("plateau: the rest of the budget is expected to bring")


def test_while_a_decay_is_to_come_no_plateau_is_flagged(make_run):
    advice = advise(make_run("wsd", 0.6, share=3e-4, alpha=0.9, noise=1e-4), 1e8)
    assert advice.plateau is None
    assert advice.plateau_probability < 0.9


def test_a_curve_that_begins_in_its_warm_up_has_not_decayed():
    steps = np.arange(1, 61)
    warmed = Curve(steps * 1e6, 3 + 1 / steps, steps, Schedule([0, 5, 100], [0, 1, 1]))
    left = remaining_annealing(warmed, 1e8)
    assert left.settled > 0
    assert not left.decayed
    cooled = Curve(steps * 1e6, 3 + 1 / steps, steps, Schedule([0, 5, 20, 30, 100], [0, 1, 1, 0.1, 0.1]))
    assert remaining_annealing(cooled, 1e8).decayed
