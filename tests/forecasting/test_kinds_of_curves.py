"""Curves of every kind get an answer or a sentence: no traceback, no warning, no absurd interval, advice that agrees with the forecast."""

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule, advise, forecast

N = 200
T = np.arange(1, N + 1)
TOKENS = T * 1e6
RNG = np.random.default_rng(0)
FALLING = 2 + 3 * T**-0.5
NOISE = RNG.standard_normal(N)
TO_ZERO = Schedule(np.arange(401), np.maximum(1 - np.arange(401) / 150, 0))

KINDS = {
    "accuracy": Curve(TOKENS, 0.9 - 0.8 * T**-0.5 + 0.003 * NOISE),
    "below zero": Curve(TOKENS, -1.5 + 2 * T**-0.5 + 0.01 * NOISE),
    "crosses zero": Curve(TOKENS, -0.2 + 1.5 * T**-0.6 + 0.01 * NOISE),
    "reaches zero": Curve(TOKENS, np.maximum(1 - T / 100, 0)),
    "zero": Curve(TOKENS, np.zeros(N)),
    "constant": Curve(TOKENS, np.full(N, 2.345)),
    "constant below zero": Curve(TOKENS, np.full(N, -3.0)),
    "two digits": Curve(TOKENS, np.round(FALLING, 2)),
    "whole numbers": Curve(TOKENS, np.round(100 * FALLING)),
    "oscillating": Curve(TOKENS, 1.2 + 0.5 * np.sin(T / 7) + 0.2 * NOISE),
    "returns": Curve(TOKENS, -200 * (1 - np.exp(-T / 60)) + 10 * NOISE),
    "spikes": Curve(TOKENS, FALLING + 10 * (T % 50 == 0)),
    "restarts": Curve(TOKENS, FALLING, T, Schedule(np.arange(1, 401), 0.5 * (1 + np.cos(np.pi * (np.arange(1, 401) % 50) / 50)) + 1e-6)),
    "half of it warm-up": Curve(TOKENS, FALLING, T, Schedule([0, 200, 400], [0, 1, 0])),
    "a rate of zero": Curve(TOKENS, np.where(T < 150, FALLING, FALLING[149]) + 0.002 * NOISE, T, TO_ZERO),
    "a rate of zero throughout": Curve(TOKENS, FALLING, T + 10, Schedule([0, 1, 2, 400], [1, 1, 0, 0])),
    "steps that do not rise": Curve(TOKENS, FALLING, np.full(N, 5), Schedule([0, 100], [1, 0])),
    "one rate": Curve(TOKENS, FALLING, T, Schedule([0], [1e-3])),
    "not finite in between": Curve(TOKENS, np.where(T % 7 == 0, np.nan, FALLING)),
    "infinite once": Curve(TOKENS, np.where(T == 100, np.inf, FALLING)),
    "not finite at its end": Curve(TOKENS, np.where(T > 190, np.nan, FALLING)),
    "three points": Curve(TOKENS[:3], FALLING[:3]),
    "rises": Curve(TOKENS, 2 + T * 0.01),
    "turns up": Curve(TOKENS, 2 + 2 * T**-0.7 + np.maximum(T - 80, 0) ** 1.2 * 8e-4, unique_tokens=5e6),
    "diverges": Curve(TOKENS, np.where(T < 150, FALLING, FALLING * 10 ** (np.maximum(T - 150, 0) / 2.5))),
    "twelve decades": Curve(TOKENS, 10.0 ** (-12 * T / N) * (1 + 0.1 * NOISE)),
    "a floor after twelve": Curve(TOKENS, 10.0 ** (-12 * np.minimum(T, 100) / 100) * (1 + 0.1 * NOISE)),
    "tiny": Curve(TOKENS, 1e-30 * FALLING),
    "huge": Curve(TOKENS, 1e30 * FALLING),
    "steps at epoch ends": Curve(TOKENS, 2 - 0.3 * np.floor(T / 40) + 0.02 * NOISE),
    "epochs": Curve(np.arange(1, 31), FALLING[:30], np.arange(1, 31), Schedule.cosine(60)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_answered_or_refused_in_words(kind):
    curve = KINDS[kind]
    for seen in (curve.take(slice(0, max(len(curve) * 2 // 5, 1))), curve):
        end = 2 * float(curve.tokens[-1])
        f, a = forecast(seen, end), advise(seen, end)
        assert str(f)
        assert str(a)
        assert np.isnan(f.low) == f.outcome.declined
        if np.isfinite(f.low):
            assert f.low <= f.loss <= f.high
            assert f.high <= max(10 * f.low, f.low + 10 * np.ptp(seen.loss[np.isfinite(seen.loss)]) + 0.1 * abs(f.loss) + 1e-9)
        if a.reason.name == "NOTHING_LEFT":
            assert f.loss >= f.last - 0.01 * abs(f.last) - 1e-9, "ended at a plateau that the forecast sees fall"


def test_a_finished_run_as_its_own_sibling_changes_no_kind():
    for curve in KINDS.values():
        assert str(forecast(curve.until(0.4 * curve.tokens[-1]), 2 * curve.tokens[-1], [curve]))


def test_a_rate_of_zero_leaves_the_loss_where_it_is():
    f = forecast(KINDS["a rate of zero"], 4e8)
    assert f.loss == pytest.approx(FALLING[149], rel=2e-3)
    assert f.high - f.low < 0.02


def test_a_rate_of_zero_at_which_the_loss_fell_is_doubted():
    falling = forecast(Curve(TOKENS, FALLING, T, TO_ZERO), 4e8)
    assert falling.high - falling.low > 0.05


def test_a_schedule_that_trained_nothing_counts_as_none():
    assert forecast(KINDS["a rate of zero throughout"], 4e8).outcome.name == "NO_SCHEDULE"


def test_a_score_that_rises_is_met_with_what_to_do():
    assert "given as its negative" in advise(KINDS["accuracy"], 4e8).because


def test_a_loss_that_rises_is_no_plateau():
    advice = advise(KINDS["turns up"], 4e8)
    assert (advice.reason.name, advice.plateau) == ("OVERFITTING", None)


def test_no_gain_is_printed_to_digits_that_state_nothing():
    assert "less than 0.001 %" in str(advise(KINDS["constant"], 4e8))
