"""Shapes of losses that people meet beside smooth power laws: steps at epoch ends, milestones, noise that neighbours share, floors."""

from itertools import pairwise

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule, advise, forecast

STEPS = 10_000
STEP = np.arange(50, STEPS + 1, 50)


def stairs(fall, seed=0, noise=0.01):
    """A fine-tuning of ten epochs whose training loss falls by `fall` at each epoch's end and is flat within."""
    loss = 2.0 * (1 - fall) ** np.floor((STEP - 1) / (STEPS / 10))
    return Curve(STEP, loss * (1 + noise * np.random.default_rng(seed).standard_normal(len(STEP))))


def correlated(seed, persistence=0.97, noise=0.01):
    """A power law in noise whose neighbours are nearly equal, as shards of text of different difficulty give."""
    draws = np.random.default_rng(seed).standard_normal(len(STEP)) * (1 - persistence**2) ** 0.5
    walk = np.zeros(len(STEP))
    for i, draw in enumerate(draws):
        walk[i] = persistence * walk[i - 1] + draw
    return Curve(STEP, (2 + 20 * STEP**-0.4) * (1 + noise * walk), STEP, Schedule.constant(STEPS))


@pytest.mark.parametrize("fall", [0.05, 0.1, 0.2, 0.45])
def test_steps_at_epoch_ends_are_inside_the_interval_or_declined(fall):
    whole = stairs(fall)
    f = forecast(whole.until(0.52 * STEPS), at=STEPS)
    assert f.outcome.declined or f.low < whole.loss[-1] < f.high


@pytest.mark.parametrize("seed", range(4))
def test_autocorrelated_noise_moves_the_answer_by_less_than_its_interval(seed):
    whole = correlated(seed)
    found = [forecast(whole.until(share * STEPS), at=STEPS) for share in (0.5, 0.52, 0.54, 0.56, 0.58)]
    for before, after in pairwise(found):
        assert before.low < after.loss < before.high


@pytest.mark.parametrize("drop", [0.1, 0.14])
def test_the_drop_at_a_milestone_is_expected_where_the_schedule_holds_it(run, drop):
    whole = run("two_stage", rise=0.2, drop=drop)
    seen = whole.until(0.55 * run.end)
    held = Curve(seen.tokens, seen.loss, seen.step, Schedule.constant(STEPS, warmup=200))
    with_it, without = forecast(seen, run.end), forecast(held, run.end)
    assert with_it.low < whole.loss[-1] < with_it.high
    assert abs(with_it.loss - whole.loss[-1]) < abs(without.loss - whole.loss[-1])


def test_forecast_and_advice_agree_on_a_floor_after_a_fall_by_decades():
    noise = 1 + 0.02 * np.random.default_rng(0).standard_normal(len(STEP))
    floor = Curve(STEP, (1e-4 + 10 * np.exp(-STEP / 150)) * noise)
    f, verdict = forecast(floor.until(STEPS / 2), at=STEPS), advise(floor.until(STEPS / 2), STEPS)
    assert f.loss == pytest.approx(1e-4, rel=0.05)
    assert verdict.forecast is None or verdict.forecast.loss == pytest.approx(1e-4, rel=0.05)


def test_a_rate_that_has_been_flat_leans_towards_the_decay_that_may_come(run):
    seen = run("constant").until(0.5 * run.end)
    so_far = Schedule(seen.step, np.ones(len(seen)))
    unknown, held = forecast(Curve(seen.tokens, seen.loss, seen.step, so_far), run.end), forecast(seen, run.end)
    assert unknown.low < unknown.loss < held.loss < unknown.high
