"""The rates a run has seen: their line true and short."""

import json
import math

import numpy as np
import pytest

from lightning_scaling.monitor.schedule.observed import MOST, ObservedRates


def seen(rates):
    kept = ObservedRates()
    for rate in rates:
        kept.note(float(rate))
    return kept


def cosine(steps):
    return [1e-3 * (1 + math.cos(math.pi * s / steps)) / 2 for s in range(steps)]


SHAPES = {
    "constant": [1e-3] * 5000,
    "cosine": cosine(5000),
    "warm-up, hold, decay": [*np.linspace(0, 1e-3, 500), *[1e-3] * 4000, *np.linspace(1e-3, 0, 500)],
    "steps": [1e-3] * 2000 + [1e-4] * 2000 + [1e-5] * 1000,
    "inverse square root": [1e-3 / math.sqrt(s + 1) for s in range(5000)],
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_line_is_within_half_a_percent_of_the_peak(name):
    line = seen(SHAPES[name]).line()
    assert np.abs(line.at(np.arange(5000)) - SHAPES[name]).max() < 5e-3 * max(SHAPES[name])


@pytest.mark.parametrize("name", SHAPES)
def test_the_line_is_short(name):
    assert len(seen(SHAPES[name]).line().step) < 120


def test_a_rate_that_never_stays_keeps_a_bounded_line():
    rng = np.random.default_rng(0)
    kept = seen(rng.uniform(0, 1, 20_000))
    assert len(kept.line().step) <= MOST + 2


def test_a_resumed_line_goes_on_as_if_nothing_had_happened():
    first, straight = seen(cosine(1000)[:400]), seen(cosine(1000))
    resumed = ObservedRates()
    resumed.restore(json.loads(json.dumps(first.state())))
    for rate in cosine(1000)[400:]:
        resumed.note(rate)
    assert resumed.line().step.tolist() == straight.line().step.tolist()


def test_looking_often_or_late_gives_the_same_line():
    late, often = seen(cosine(10_000)), ObservedRates()
    for step, rate in enumerate(cosine(10_000)):
        often.note(rate)
        if step % 7 == 0:
            often.settle()
    assert often.steps == late.steps == 10_000
    assert often.state() == late.state()


def test_a_rate_below_zero_counts_as_zero_and_an_unknown_one_as_a_step():
    kept = ObservedRates()
    for rate in (1e-3, -5e-7, None, float("nan"), 1e-3):
        kept.note(rate)
    kept.settle()
    assert kept.steps == 5
    assert kept.line().at(1.0) == 0
    assert (kept.line().lr >= 0).all()


def test_without_any_known_rate_there_is_no_schedule():
    assert seen([0.0] * 5).line() is None
    assert ObservedRates().line() is None
